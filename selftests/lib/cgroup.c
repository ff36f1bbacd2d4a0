// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "cgroup.h"

bool cgroup_put(const char *path, const char *fmt, ...)
{
	char text[64];
	va_list args;
	ssize_t n;
	int fd;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n > 0;
}

bool cgroup_cpu(void)
{
	if (access(CGROUP_MOUNT "/cgroup.controllers", F_OK) &&
	    mount("cgroup2", CGROUP_MOUNT, "cgroup2", 0, NULL))
		return false;
	return cgroup_put(CGROUP_MOUNT "/cgroup.subtree_control", "+cpu");
}
