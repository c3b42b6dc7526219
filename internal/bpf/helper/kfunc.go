package helper

// Kfunc is one kernel function that programs may call by its BTF id. Whether a kernel
// has it is told by that kernel's BTF; Since serves messages.
type Kfunc struct {
	Name  string // as in the kernel's BTF
	NArgs int
	Null  bool // the result may be null
	// Acquires: the result is to be given back to the function Release.
	Acquires bool
	Release  string
	Since    Version
	Doc      string
}

// KfuncByName is the row of a kernel function, or nil.
func KfuncByName(name string) *Kfunc {
	for i := range kfuncs {
		if kfuncs[i].Name == name {
			return &kfuncs[i]
		}
	}
	return nil
}

// Kfuncs are the rows by name; the caller doesn't change them.
func Kfuncs() []Kfunc { return kfuncs[:] }

var kfuncs = [...]Kfunc{
	{Name: "bpf_cast_to_kern_ctx", NArgs: 1, Since: V(6, 2), Doc: "the kernel's object behind a context"},
	{Name: "bpf_cgroup_acquire", NArgs: 1, Null: true, Acquires: true, Release: "bpf_cgroup_release", Since: V(6, 2), Doc: "a reference to a cgroup"},
	{Name: "bpf_cgroup_from_id", NArgs: 1, Null: true, Acquires: true, Release: "bpf_cgroup_release", Since: V(6, 3), Doc: "the cgroup with an id"},
	{Name: "bpf_cgroup_release", NArgs: 1, Since: V(6, 2), Doc: "gives a cgroup's reference back"},
	{Name: "bpf_copy_from_user_str", NArgs: 4, Since: V(6, 12), Doc: "copies a string from a user address, may fault it in; for sleepable programs"},
	{Name: "bpf_get_task_exe_file", NArgs: 1, Null: true, Acquires: true, Release: "bpf_put_file", Since: V(6, 12), Doc: "the file that a task executes"},
	{Name: "bpf_iter_num_destroy", NArgs: 1, Since: V(6, 4), Doc: "ends a loop over numbers"},
	{Name: "bpf_iter_num_new", NArgs: 3, Since: V(6, 4), Doc: "begins a loop over the numbers from start to before end"},
	{Name: "bpf_iter_num_next", NArgs: 1, Null: true, Since: V(6, 4), Doc: "address of a loop's next number, or null"},
	{Name: "bpf_iter_task_destroy", NArgs: 1, Since: V(6, 7), Doc: "ends a loop over tasks"},
	{Name: "bpf_iter_task_new", NArgs: 3, Since: V(6, 7), Doc: "begins a loop over processes or threads"},
	{Name: "bpf_iter_task_next", NArgs: 1, Null: true, Since: V(6, 7), Doc: "a loop's next task, or null"},
	{Name: "bpf_iter_task_vma_destroy", NArgs: 1, Since: V(6, 7), Doc: "ends a loop over a task's mappings"},
	{Name: "bpf_iter_task_vma_new", NArgs: 3, Since: V(6, 7), Doc: "begins a loop over a task's mappings"},
	{Name: "bpf_iter_task_vma_next", NArgs: 1, Null: true, Since: V(6, 7), Doc: "a loop's next mapping, or null"},
	{Name: "bpf_path_d_path", NArgs: 3, Since: V(6, 12), Doc: "the path of a struct path, for LSM programs"},
	{Name: "bpf_preempt_disable", NArgs: 0, Since: V(6, 10), Doc: "begins a stretch without preemption"},
	{Name: "bpf_preempt_enable", NArgs: 0, Since: V(6, 10), Doc: "ends a stretch without preemption"},
	{Name: "bpf_put_file", NArgs: 1, Since: V(6, 12), Doc: "gives a file's reference back"},
	{Name: "bpf_rcu_read_lock", NArgs: 0, Since: V(6, 2), Doc: "begins an RCU read section"},
	{Name: "bpf_rcu_read_unlock", NArgs: 0, Since: V(6, 2), Doc: "ends an RCU read section"},
	{Name: "bpf_rdonly_cast", NArgs: 2, Since: V(6, 2), Doc: "an address as a BTF pointer whose loads may fail"},
	{Name: "bpf_session_cookie", NArgs: 0, Since: V(6, 10), Doc: "8 bytes shared by a session probe's entry and return"},
	{Name: "bpf_session_is_return", NArgs: 0, Since: V(6, 10), Doc: "whether a session probe runs at the return"},
	{Name: "bpf_task_acquire", NArgs: 1, Null: true, Acquires: true, Release: "bpf_task_release", Since: V(6, 2), Doc: "a reference to a task"},
	{Name: "bpf_task_from_pid", NArgs: 1, Null: true, Acquires: true, Release: "bpf_task_release", Since: V(6, 2), Doc: "the task with a thread id of the initial namespace"},
	{Name: "bpf_task_from_vpid", NArgs: 1, Null: true, Acquires: true, Release: "bpf_task_release", Since: V(6, 14), Doc: "the task with a thread id of the current namespace"},
	{Name: "bpf_task_release", NArgs: 1, Since: V(6, 2), Doc: "gives a task's reference back"},
}
