// SPDX-License-Identifier: GPL-2.0-only
/* kvmgov freeze */
#include "cli.h"

static int run(struct cli *cli, int argc, char **argv)
{
	return vms_set_state(cli, argc, argv, KVMGOV_VM_STATE_FROZEN);
}

const struct command cmd_freeze = {
	.name = "freeze",
	.operands = "VM...",
	.summary = "Keep VMs out of their guests until they are thawed",
	.help = "The VMs stop computing, but stay alive: their devices, sockets and migration\n"
		"go on. Limits and names can be set meanwhile.\n",
	.options = "  -v, --verbose  say what has changed\n",
	.run = run,
};
