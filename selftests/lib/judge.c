// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "nl.h"
#include "spec.h"
#include "test.h"

#define MAX_ERRNO 4095

static void show(const struct nlmsghdr *nlh, size_t room)
{
	const uint8_t *p = (const uint8_t *)nlh;
	char line[3 * 32 + 1];
	size_t i, j;

	for (i = 0; i < room && i < 256; i += 32) {
		for (j = 0; j < 32 && i + j < room; j++)
			sprintf(line + 3 * j, "%02x ", p[i + j]);
		test_diag("  %s", line);
	}
}

void judge_fault(struct judge *j, const struct nlmsghdr *nlh, const char *what, int error)
{
	j->trouble++;
	if (j->trouble > MAX_TROUBLE)
		return;
	test_fail("seed %ld, batch %u: %s%s%s", j->seed, j->batch->nr, what, error ? ": " : "",
		  error ? strerror(error) : "");
	if (nlh)
		show(nlh, nlh->nlmsg_len < 256 ? nlh->nlmsg_len : 256);
}

/* Attributes with text, an offset and more, behind an error. */
static void check_ext_ack(struct judge *j, const struct found *f, const char *data, size_t len)
{
	while (len) {
		struct nlattr nla;
		uint32_t offset;

		if (len < sizeof(nla)) {
			judge_fault(j, f->nlh, "extended ACK: bytes that are no attribute", 0);
			return;
		}
		memcpy(&nla, data, sizeof(nla));
		if (nla.nla_len < sizeof(nla) || nla.nla_len > len) {
			judge_fault(j, f->nlh, "extended ACK: an attribute beyond its end", 0);
			return;
		}
		if (nla.nla_type == NLMSGERR_ATTR_MSG &&
		    strnlen(data + sizeof(nla), nla.nla_len - sizeof(nla)) + 1 !=
			    nla.nla_len - sizeof(nla))
			judge_fault(j, f->nlh, "extended ACK: text that is none", 0);
		if (nla.nla_type == NLMSGERR_ATTR_OFFS) {
			memcpy(&offset, data + sizeof(nla), sizeof(offset));
			if (offset >= f->nlh->nlmsg_len)
				judge_fault(j, f->nlh, "extended ACK: an offset beyond the message",
					    0);
		}
		if ((size_t)NLA_ALIGN(nla.nla_len) >= len)
			return;
		data += NLA_ALIGN(nla.nla_len);
		len -= NLA_ALIGN(nla.nla_len);
	}
}

/* An ACK, an error, or the end of a dump. */
static void take_end(struct judge *j, struct found *f, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = NLMSG_DATA(nlh);
	size_t len = NLMSG_PAYLOAD(nlh, 0), skip = sizeof(int);

	f->ends++;
	if (len < sizeof(int)) {
		judge_fault(j, f->nlh, "an end without its error", 0);
		return;
	}
	f->error = err->error < 0 ? -err->error : 0;
	if (f->error > MAX_ERRNO || (nlh->nlmsg_type == NLMSG_ERROR && err->error > 0))
		judge_fault(j, f->nlh, "an error that is none", 0);
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		if (len < sizeof(*err)) {
			judge_fault(j, f->nlh, "a short error", 0);
			return;
		}
		if (memcmp(&err->msg, f->nlh, sizeof(err->msg)))
			judge_fault(j, f->nlh, "an error about another message", 0);
		skip = sizeof(*err);
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
			skip += NLMSG_ALIGN(f->nlh->nlmsg_len) - sizeof(err->msg);
	}
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS) {
		if (skip > len)
			judge_fault(j, f->nlh, "an extended ACK without room", 0);
		else
			check_ext_ack(j, f, (const char *)err + skip, len - skip);
	}
}

void judge_answer(struct judge *j, const struct nlmsghdr *nlh)
{
	bool ends = nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE;
	struct found *f = batch_find(j->batch, nlh->nlmsg_seq);
	const char *why;

	if (!f) {
		judge_fault(j, NULL, "an answer to nothing", 0);
		return;
	}
	if (ends) {
		take_end(j, f, nlh);
		return;
	}
	f->data++;
	j->tally.replies++;
	if (f->foreign)
		return;
	why = nlh->nlmsg_type == j->family ? spec_check_reply(nlh, f->dump) : "another type";
	if (why)
		judge_fault(j, f->nlh, why, 0);
}

static bool may_be_taken(const struct found *f)
{
	const struct nlattr *tb[KVMGOV_A_VM_MAX + 1];

	if (f->error == EBUSY) /* an earlier dump has not been read */
		return f->dump;
	if (genl_of(f->nlh)->cmd != SET)
		return false;
	vm_attrs(f->nlh, tb);
	if (f->error == ERANGE) /* more than the VM may keep */
		return tb[CREDIT];
	return f->error == EEXIST && (tb[NAME] || tb[UUID]);
}

static void judge_ours(struct judge *j, const struct found *f)
{
	const struct spec_op *op;

	if (!has_genl(f->nlh)) {
		if (!f->error)
			judge_fault(j, f->nlh, "a request without a header is taken", 0);
		return;
	}
	op = spec_op_by_cmd(genl_of(f->nlh)->cmd);
	if (f->error) {
		j->tally.refused++;
		j->tally.refused_by_cmd[genl_of(f->nlh)->cmd]++;
	} else {
		j->tally.taken++;
		j->tally.taken_by_cmd[genl_of(f->nlh)->cmd]++;
	}
	if (!j->root) {
		if (!f->error)
			judge_fault(j, f->nlh, "a request of nobody is taken", 0);
		else if (f->clean && f->error != EPERM && !(f->dump && f->error == EBUSY))
			judge_fault(j, f->nlh, "a request of nobody", f->error);
		return;
	}
	if (f->clean && f->error && !may_be_taken(f))
		judge_fault(j, f->nlh, "a good request is refused", f->error);
	if (f->error)
		return;
	if (!op || !(f->dump ? op->dumpit.there : op->doit.there)) {
		judge_fault(j, f->nlh, "an unknown command is taken", 0);
		return;
	}
	if (!f->dump && f->data != (op->doit.reply ? 1 : 0))
		judge_fault(j, f->nlh, "the number of replies is wrong", 0);
	if (f->dump || op->doit.reply)
		return;
	if (model_change(j->model, f->nlh))
		j->tally.changes++;
	else
		judge_fault(j, f->nlh, "a change of no VM is taken", 0);
}

void judge_batch(struct judge *j)
{
	size_t i;

	for (i = 0; i < j->batch->nr_found; i++) {
		const struct found *f = &j->batch->found[i];

		if (f->foreign)
			continue;
		j->tally.errors[f->error < 134 ? f->error : 0]++;
		if (f->ends > 1)
			judge_fault(j, f->nlh, "more than one end of an answer", 0);
		if (!f->ends && (f->dump || f->nlh->nlmsg_flags & NLM_F_ACK))
			judge_fault(j, f->nlh, "no answer", 0);
		if (f->ends && !f->dump && !f->error && !(f->nlh->nlmsg_flags & NLM_F_ACK))
			judge_fault(j, f->nlh, "an ACK that nobody asked for", 0);
		if (f->ours)
			judge_ours(j, f);
		else if (f->error || f->data)
			judge_fault(j, f->nlh, "what is no request is answered", f->error);
	}
}

/* Legal by the contract, whatever has been sent. */
static void check_legal(struct judge *j, const struct vm_config *vm, uint64_t credit_us)
{
	const char *p;

	if (vm->credit_max_us > 2477260800000000 || credit_us > vm->credit_max_us)
		judge_fault(j, NULL, "a credit that is not allowed", 0);

	if (vm->quota_us != KVMGOV_QUOTA_NONE && (vm->quota_us < 100 || vm->quota_us > 4096000000))
		judge_fault(j, NULL, "a quota that is not allowed", 0);
	if (vm->period_us < 1000 || vm->period_us > 1000000)
		judge_fault(j, NULL, "a period that is not allowed", 0);
	for (p = vm->name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '/')
			judge_fault(j, NULL, "a name that is not allowed", 0);
	if (*vm->name && !vm->name[strspn(vm->name, "0123456789")])
		judge_fault(j, NULL, "a name that is a number", 0);
}

bool judge_vm(struct judge *j, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[KVMGOV_A_VM_MAX + 1];
	struct vm_config *vm, is = {};
	const char *why = spec_check_reply(nlh, true);

	if (why) {
		judge_fault(j, nlh, why, 0);
		return false;
	}
	vm_attrs(nlh, tb);
	vm = tb[ID] ? model_find(j->model, nla_get_u64(tb[ID])) : NULL;
	if (!vm)
		return false;
	is.id = vm->id;
	vm_config_take(&is, tb);
	if (!tb[CREDIT] != !tb[CREDIT_MAX] || (tb[CREDIT_MAX] && !is.credit_max_us))
		judge_fault(j, NULL, "a credit that is none", 0);
	check_legal(j, &is, tb[CREDIT] ? nla_get_u64(tb[CREDIT]) : 0);
	if (!memcmp(&is, vm, sizeof(is)))
		return true;
	judge_fault(j, NULL, "a VM is not as the changes would have it", 0);
	test_diag("  VM %" PRIu64 " has '%s', state %u, %" PRIu64 "/%u us, credit %" PRIu64
		  " us, expected '%s', %u, %" PRIu64 "/%u, %" PRIu64,
		  is.id, is.name, is.state, is.quota_us, is.period_us, is.credit_max_us, vm->name,
		  vm->state, vm->quota_us, vm->period_us, vm->credit_max_us);
	*vm = is;
	return true;
}

void judge_notification(struct judge *j, const struct nlmsghdr *nlh)
{
	const char *why = spec_check_reply(nlh, false);

	j->tally.notified++;
	if (why)
		judge_fault(j, nlh, why, 0);
}
