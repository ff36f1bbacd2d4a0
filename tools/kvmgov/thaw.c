// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov thaw */
#include "cli.h"

static int run(struct cli *cli, int argc, char **argv)
{
	return vms_set_state(cli, argc, argv, KVMGOV_VM_STATE_RUNNING);
}

const struct command cmd_thaw = {
	.name = "thaw",
	.operands = "VM...",
	.summary = "Let frozen VMs run again, within their limits",
	.help = "CPU time already used in the running period stays used.\n",
	.options = "  -v, --verbose  say what has changed\n",
	.run = run,
};
