// What the kernel was built with.
#include "kernel.h"

extern bool CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_NET __kconfig;
extern char CONFIG_BPF __kconfig;
extern int CONFIG_HZ __kconfig;
extern char CONFIG_LSM[8] __kconfig __weak;
extern int CONFIG_THERE_IS_NONE __kconfig __weak;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;

struct {
	__u32 syscall, net, letter, hz, none, wrapper, cookie;
} out;

SEC("raw_tp/sys_enter")
int built(void *ctx)
{
	out.syscall = CONFIG_BPF_SYSCALL;
	out.net = CONFIG_NET;
	out.letter = CONFIG_BPF;
	out.hz = CONFIG_HZ;
	out.none = CONFIG_THERE_IS_NONE;
	out.wrapper = LINUX_HAS_SYSCALL_WRAPPER;
	out.cookie = LINUX_HAS_BPF_COOKIE;
	return CONFIG_LSM[0];
}
