// What kernels differ in: existence, offsets, sizes and enumerators, its
// version, variables and functions.
#include "kernel.h"

struct task_struct___older {
	int there_was_once;
} __attribute__((preserve_access_index));
enum pid_type___here { PIDTYPE_TGID___here = 99, PIDTYPE_NEVER___here = 98 };

extern __u32 LINUX_KERNEL_VERSION __kconfig;
extern const void vfs_read __ksym;
extern const int cpu_number_that_is_not_there __ksym __weak;
extern void bpf_there_is_none(void) __ksym __weak;

struct {
	__u32 pid_offset, has_pid, has_once, comm_size, tgid_enum, has_never, version, weak, kfunc;
	__u64 read;
} out;

SEC("raw_tp/sys_enter")
int facts(void *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	out.pid_offset = __builtin_preserve_field_info(t->pid, BPF_FIELD_BYTE_OFFSET);
	out.has_pid = bpf_core_field_exists(t->pid);
	out.has_once = bpf_core_field_exists(((struct task_struct___older *)t)->there_was_once);
	out.comm_size = bpf_core_field_size(t->comm);
	out.tgid_enum = bpf_core_enum_value(enum pid_type___here, PIDTYPE_TGID___here);
	out.has_never = bpf_core_enum_value_exists(enum pid_type___here, PIDTYPE_NEVER___here);
	out.version = LINUX_KERNEL_VERSION;
	out.weak = &cpu_number_that_is_not_there != 0;
	out.kfunc = bpf_there_is_none != 0;
	out.read = (__u64)&vfs_read;
	return 0;
}
