/* Stands for a kernel whose types core.c is relocated against: its structs have more. */
struct mm_struct {
	void *mmap;
	unsigned long total_vm;
};

struct list_head {
	struct list_head *next, *prev;
};

typedef int pid_t;

struct task_struct {
	long state;
	struct list_head tasks;
	struct mm_struct *mm;
	unsigned sched_reset_on_fork : 1;
	unsigned sched_migrated : 1;
	struct {
		pid_t pid;
		pid_t tgid;
	};
	struct task_struct *group_leader;
	char comm[16];
	struct mm_struct own;
};

enum pid_type { PIDTYPE_PID, PIDTYPE_EXTRA, PIDTYPE_TGID, PIDTYPE_MAX };

struct unrelated {
	enum pid_type type;
	int padding[4];
};

struct task_struct init_task;
struct unrelated unrelated;
