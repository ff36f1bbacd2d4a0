// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov: see and set what KVM guests may use of the CPUs. */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct command *const commands[] = {
	&cmd_list, &cmd_show,  &cmd_set,    &cmd_reset,	  &cmd_freeze,	 &cmd_thaw,   &cmd_stat,
	&cmd_top,  &cmd_exits, &cmd_events, &cmd_history, &cmd_simulate, &cmd_doctor,
};

static void print_help(void)
{
	size_t i;

	printf("Usage: kvmgov [--json] [COMMAND [ARGUMENT...]]\n"
	       "\n"
	       "Governs the CPU time of this host's KVM guests.\n"
	       "\n"
	       "Commands (without one: list):\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-8s %-20s %s\n", commands[i]->name, commands[i]->operands,
		       commands[i]->summary);
	printf("\n"
	       "  -j, --json     write JSON, errors included\n"
	       "  -h, --help     this help, or a command's: kvmgov COMMAND --help\n"
	       "  -V, --version  print the version\n"
	       "\n"
	       "A VM is named by its id, name, UUID or pid; where that is ambiguous, by\n"
	       "id:ID, name:NAME, uuid:UUID or pid:PID. Exit status: 0 for success, 1 for\n"
	       "failure, 2 for a command line that makes no sense.\n");
}

static int print_version(const struct cli *cli)
{
	if (cli->json) {
		struct json_object *doc = js_document();

		js_add(doc, "version", js_text(kvmgov_library_version()));
		js_print(doc);
	} else {
		printf("kvmgov %s\n", kvmgov_library_version());
	}
	return CLI_OK;
}

/*
 * Whoever asks for JSON wants it for an error in front of the word --json, too.
 */
static bool wants_json(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--json") || !strcmp(argv[i], "-j"))
			return true;
	return false;
}

static int unknown_command(struct cli *cli, const char *word)
{
	char known[128];
	size_t i, len = 0;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		len += snprintf(known + len, sizeof(known) - len, "%s%s", i ? ", " : "",
				commands[i]->name);
	return cli_usage(cli, "unknown command '%s'; there are: %s", word, known);
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		CLI_OPTIONS,
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	static char *list[] = { "list", NULL };
	size_t i;
	int c;

	cli->json = wants_json(argc, argv);
	while ((c = cli_getopt(cli, argc, argv, "+V", longs)) != -1)
		if (c == 'V')
			return print_version(cli);
	argc -= optind;
	argv += optind;
	if (!argc) {
		argc = 1;
		argv = list;
	}
	optind = 0; /* start anew, which glibc does for 0 only */
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[0], commands[i]->name))
			continue;
		cli->command = commands[i];
		return cli->command->run(cli, argc, argv);
	}
	return unknown_command(cli, argv[0]);
}

void cli_print_help(const struct cli *cli)
{
	const struct command *cmd = cli->command;

	if (!cmd) {
		print_help();
		return;
	}
	printf("Usage: kvmgov %s [OPTION...]%s%s\n\n%s.\n", cmd->name, *cmd->operands ? " " : "",
	       cmd->operands, cmd->summary);
	if (cmd->help)
		printf("\n%s", cmd->help);
	if (cmd->more_help)
		cmd->more_help();
	printf("\n%s"
	       "  -j, --json     write JSON, errors included\n"
	       "  -h, --help     this help\n",
	       cmd->options ? cmd->options : "");
}

int main(int argc, char **argv)
{
	struct cli cli = { 0 };
	int status;

	/* For the characters of names; numbers keep their points. */
	setlocale(LC_CTYPE, "");
	status = run(&cli, argc, argv);
	/* Output that did not arrive is a failure, as on a full disk. */
	if (fflush(stdout) || ferror(stdout)) {
		cli_warn("cannot write: %s", strerror(errno));
		if (status == CLI_OK)
			status = CLI_FAILED;
	}
	return status;
}
