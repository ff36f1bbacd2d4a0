// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmgov: governs the CPU time of the virtual machines of a Linux/KVM host.
 *
 * Init and exit: a chain of subsystems, unwound in reverse.
 */
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "arch.h"
#include "boundary.h"
#include "discover.h"
#include "hooks.h"
#include "netlink.h"
#include "sysfs.h"
#include "version.h"
#include "vm.h"

static int __init kvmgov_init(void)
{
	int err;

	err = kvmgov_arch_init();
	if (err)
		return err;
	kvmgov_discover_init();
	err = kvmgov_sysfs_init();
	if (err)
		return err;
	err = kvmgov_vm_init();
	if (err)
		goto err_sysfs;
	err = kvmgov_netlink_init();
	if (err)
		goto err_vm;
	err = kvmgov_hooks_init();
	if (err)
		goto err_netlink;
	return 0;

err_netlink:
	kvmgov_netlink_exit();
err_vm:
	kvmgov_vm_exit();
err_sysfs:
	kvmgov_sysfs_exit();
	return err;
}

/* Let all vCPU threads leave the module, and wait until they have left. */
static void __exit kvmgov_drain(void)
{
	unsigned int wait_ms = 1;

	for (;;) {
		kvmgov_vm_let_go();
		kvmgov_discover_nudge();
		if (!kvmgov_boundary_pending())
			break;
		msleep(wait_ms);
		wait_ms = min(2 * wait_ms, 50U);
	}
	/* The instructions behind the last access of a work that has run. */
	synchronize_rcu_tasks();
}

/*
 * Safe at any time: nobody is sent into the module any more, then those who
 * are in it leave, then what they used goes. The VMs run on.
 */
static void __exit kvmgov_exit(void)
{
	kvmgov_hooks_exit();
	kvmgov_boundary_stop();
	kvmgov_drain();
	kvmgov_netlink_exit();
	kvmgov_vm_exit();
	kvmgov_sysfs_exit();
}

module_init(kvmgov_init);
module_exit(kvmgov_exit);

MODULE_DESCRIPTION("Governs the CPU time of KVM virtual machines");
MODULE_AUTHOR("The kvmgov founders");
MODULE_LICENSE("GPL");
MODULE_VERSION(KVMGOV_VERSION);
