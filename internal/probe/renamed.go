package probe

import (
	"strconv"
	"strings"
)

// Rename is a kernel function that went, and what does its work today.
type Rename struct {
	Old string
	// New are the heirs, latest last; a kernel has the first of them that it has. Where the
	// arguments moved, those of Old follow as their numbers in the heir, "-" for one that it
	// hasn't got: in f(1,-) Old's arg0 is f's arg1.
	New   []string
	Since string // the first kernel known to lack Old; "": none, some callers do without it
	Note  string // what else to know, as types that changed
}

// Heir is what became of a kernel function on the kernel at hand.
type Heir struct {
	Name string // "" when only another way is known, which Note tells
	Some bool   // the old function is there, and some callers do without it
	Note string
	Args []int // the old function's arguments by their numbers in this one, -1: it hasn't got it; nil: at their places
}

// Renames are the kernel functions that tracing tools attach to and that moved.
func Renames() []Rename {
	const folio = "its argument is a struct folio *, no longer a struct page *"
	return []Rename{
		// mm: read ahead, page cache
		{"__do_page_cache_readahead", []string{"page_cache_ra_order(-,-,-,-,-)", "do_page_cache_ra(-,-,-,1,2)", "page_cache_ra_unbounded(-,-,-,1,2)"}, "5.10",
			"its first argument is a struct readahead_control *"},
		{"do_page_cache_ra", []string{"page_cache_ra_order(0,-,-)", "page_cache_ra_unbounded"}, "5.18",
			"compilers inline it; page_cache_ra_order is called first, and does what takes large folios itself"},
		{"page_cache_readahead_unbounded", []string{"page_cache_ra_unbounded(-,-,-,1,2)"}, "5.10", "its first argument is a struct readahead_control *"},
		{"ondemand_readahead", []string{"page_cache_sync_ra(0,-,1)"}, "6.11", "the other half is page_cache_async_ra"},
		{"__page_cache_alloc", []string{"filemap_alloc_folio", "filemap_alloc_folio_noprof"}, "5.16", "it returns a struct folio *"},
		{"filemap_alloc_folio", []string{"filemap_alloc_folio_noprof"}, "6.10", ""},
		{"mark_page_accessed", []string{"folio_mark_accessed"}, "5.16", folio},
		{"add_to_page_cache_lru", []string{"filemap_add_folio(1,0,2,3)"}, "5.16", "a struct folio * takes the place of the struct page *"},
		{"delete_from_page_cache", []string{"filemap_remove_folio"}, "5.17", folio},
		{"account_page_dirtied", []string{"folio_account_dirtied", "__folio_mark_dirty"}, "5.16",
			"tracepoint:writeback:writeback_dirty_folio is there on every kernel since 5.18"},
		{"folio_account_dirtied", []string{"__folio_mark_dirty"}, "5.16", "compilers inline it"},
		{"__set_page_dirty_nobuffers", []string{"filemap_dirty_folio(1)"}, "5.18", folio},
		{"lru_cache_add", []string{"folio_add_lru"}, "5.16", folio},
		{"pagevec_lru_move_fn", []string{"folio_batch_move_lru"}, "6.0", ""},
		{"wait_on_page_bit", []string{"folio_wait_bit"}, "5.16", folio},
		{"wait_on_page_writeback", []string{"folio_wait_writeback"}, "5.16", folio},
		{"end_page_writeback", []string{"folio_end_writeback"}, "5.16", folio},
		{"clear_page_dirty_for_io", []string{"folio_clear_dirty_for_io"}, "5.16", folio},
		{"grab_cache_page_write_begin", []string{"__filemap_get_folio", "__filemap_get_folio_mpol"}, "6.17", ""},
		{"generic_file_buffered_read", []string{"filemap_read"}, "5.12", ""},
		{"block_write_full_page", []string{"block_write_full_folio(0,2,1)"}, "6.8", folio},
		{"swap_readpage", []string{"swap_read_folio(-,-,-)"}, "6.8", "its struct folio * is arg0 in 6.8, and arg1 in 7.3"},
		{"migrate_misplaced_page", []string{"migrate_misplaced_folio(0,-,-)"}, "6.7", folio},
		// mm: allocation
		{"__alloc_pages_nodemask", []string{"__alloc_pages", "__alloc_pages_noprof", "__alloc_frozen_pages_noprof"}, "5.13", ""},
		{"__alloc_pages", []string{"__alloc_pages_noprof", "__alloc_frozen_pages_noprof"}, "6.10", ""},
		{"alloc_pages_vma", []string{"vma_alloc_folio(0,1,2,3,-,-)", "vma_alloc_folio_noprof(0,1,2,3,-,-)"}, "5.19", "it returns a struct folio *"},
		{"alloc_pages_current", []string{"alloc_pages", "alloc_pages_noprof"}, "5.13", ""},
		{"__get_free_pages", []string{"get_free_pages_noprof"}, "6.10", ""},
		{"kmem_cache_alloc_trace", []string{"kmalloc_trace", "__kmalloc_cache_noprof"}, "6.1", ""},
		{"kmalloc_trace", []string{"__kmalloc_cache_noprof"}, "6.10", ""},
		// block
		{"blk_account_io_start", []string{"__blk_account_io_start"}, "5.16",
			"it's an inline function since; tracepoint:block:block_io_start is there since 6.5"},
		{"__blk_account_io_start", nil, "6.11",
			"blk_account_io_start is an inline function; tracepoint:block:block_io_start is there since 6.5"},
		{"blk_account_io_done", []string{"__blk_account_io_done"}, "5.16",
			"it's an inline function since; tracepoint:block:block_io_done is there since 6.5"},
		{"__blk_account_io_done", nil, "6.11",
			"blk_account_io_done is an inline function; tracepoint:block:block_io_done is there since 6.5"},
		{"blk_account_io_completion", nil, "5.16", "tracepoint:block:block_io_done is there since 6.5"},
		{"blk_start_request", []string{"blk_mq_start_request"}, "5.0", ""},
		{"__elv_add_request", []string{"blk_mq_sched_insert_request(-,0)", "blk_mq_insert_request(-,0)"}, "5.0",
			"tracepoint:block:block_rq_insert is there on every kernel"},
		{"blk_mq_sched_insert_request", []string{"blk_mq_insert_request(0)"}, "6.4", "tracepoint:block:block_rq_insert is there on every kernel"},
		{"blk_throtl_bio", []string{"__blk_throtl_bio"}, "5.13", "only bios that a limit may hold back come there"},
		{"scsi_init_io", []string{"scsi_alloc_sgtables"}, "5.10", ""},
		{"scsi_mq_done", []string{"scsi_done"}, "5.16", ""},
		{"generic_make_request", []string{"submit_bio_noacct"}, "5.9", ""},
		// net
		{"tcp_drop", []string{"tcp_drop_reason", "sk_skb_reason_drop"}, "5.18", "tracepoint:skb:kfree_skb tells drops and their reason"},
		{"tcp_drop_reason", []string{"sk_skb_reason_drop"}, "6.11", "tracepoint:skb:kfree_skb tells drops and their reason"},
		{"kfree_skb", []string{"kfree_skb_reason", "sk_skb_reason_drop(1)"}, "5.17", "tracepoint:skb:kfree_skb tells drops and their reason"},
		{"kfree_skb_reason", []string{"sk_skb_reason_drop(1,2)"}, "6.11", ""},
		{"ip_send_skb", []string{"__ip_local_out(0,2)"}, "",
			"compilers inline it into ip_push_pending_frames, which pings and others of raw sockets go through; TCP's packets come to __ip_local_out, too"},
		{"fq_codel_dequeue", []string{"__fq_codel_dequeue"}, "",
			"a shaping parent, such as tbf, takes packets by fq_codel_peek; none are queued while the queue is empty and the device free"},
		{"cbq_enqueue", nil, "6.3", "the scheduler CBQ was taken out of the kernel"},
		{"cbq_dequeue", nil, "6.3", "the scheduler CBQ was taken out of the kernel"},
		{"ip4_datagram_connect", []string{"udp_connect"}, "6.13", "sockets for ping and raw ones still come there"},
		{"ip6_datagram_connect", []string{"udpv6_connect"}, "6.13", "sockets for ping and raw ones still come there"},
		{"__sock_sendmsg", []string{"sock_sendmsg"}, "6.6", ""},
		// files
		{"__vfs_read", []string{"vfs_read"}, "5.8", ""},
		{"__vfs_write", []string{"vfs_write"}, "5.8", ""},
		{"new_sync_read", []string{"vfs_read"}, "5.16", "compilers inline it; files that have a read function of their own come there too"},
		{"new_sync_write", []string{"vfs_write"}, "5.16", "compilers inline it; files that have a write function of their own come there too"},
		{"do_readv_writev", []string{"vfs_readv(-,0,1,2,3,4)"}, "4.13", "writes go through vfs_writev"},
		{"do_coredump", []string{"vfs_coredump"}, "6.16", ""},
		{"do_filp_open", []string{"do_file_open", "path_openat(-,-,1)"}, "7.3", ""},
		{"do_unlinkat", []string{"filename_unlinkat"}, "7.3", ""},
		{"do_rmdir", []string{"filename_rmdir"}, "7.3", ""},
		{"do_mkdirat", []string{"filename_mkdirat"}, "7.3", ""},
		{"do_renameat2", []string{"filename_renameat2"}, "7.3", ""},
		// processes and the scheduler
		{"do_fork", []string{"_do_fork", "kernel_clone(-,-,-,-,-)"}, "4.17", "kernel_clone's argument is a struct kernel_clone_args *"},
		{"_do_fork", []string{"kernel_clone(0,-,-,-,-,-)"}, "5.10", "its argument is a struct kernel_clone_args *"},
		{"do_execveat_common", []string{"bprm_execve(-,-,-,-,-)"}, "5.11", "its argument is a struct linux_binprm *; compilers inline it"},
		{"__send_signal", []string{"__send_signal_locked", "send_signal_locked(0,1,2,3,-)"}, "5.19", ""},
		{"__do_page_fault", nil, "5.8", "what does its work can't be traced; tracepoint:exceptions:page_fault_user and page_fault_kernel are there on x86"},
		{"ttwu_do_wakeup", []string{"ttwu_do_activate"}, "6.2", ""},
		{"pick_next_task_fair", []string{"pick_task_fair(0,-,1)"}, "7.3", ""},
		{"run_rebalance_domains", []string{"sched_balance_softirq(-)"}, "6.10", ""},
		{"rebalance_domains", []string{"sched_balance_domains"}, "6.10", ""},
		{"load_balance", []string{"sched_balance_rq"}, "6.10", ""},
		{"trigger_load_balance", []string{"sched_balance_trigger"}, "6.10", ""},
	}
}

// cloneSuffixes are what gcc appends to a function that it made to measure.
var cloneSuffixes = [...]string{".isra.0", ".constprop.0", ".isra.0.constprop.0", ".constprop.0.isra.0"}

// partSuffix is what gcc appends to the rest of a function whose beginning it inlined.
const partSuffix = ".part.0"

// syscallPrefixes are of the functions that take a system call's arguments, by
// architecture (since 4.17 their only argument is a struct pt_regs *).
var syscallPrefixes = [...]string{"__x64_sys_", "__arm64_sys_"}

// FindHeir finds what became of a kernel function that a script names and the kernel
// lacks: what it's called there, which exists reports. Nothing is known: the zero Heir.
func FindHeir(name string, exists func(string) bool) Heir {
	if clone := clone(name, exists); clone != "" {
		return Heir{Name: clone, Note: "the compiler made this variant of it, whose arguments may differ"}
	}
	if call, ok := systemCall(name); ok {
		for _, prefix := range syscallPrefixes {
			if exists(prefix + call) {
				return Heir{Name: prefix + call, Args: []int{}, Note: "its only argument is a struct pt_regs * with the call's; " +
					"tracepoint:syscalls:sys_enter_" + call + " has them named"}
			}
		}
	}
	if r := renameOf(name); r != nil {
		fate := "gone since " + r.Since
		switch {
		case r.Since == "":
			fate = ""
		case wrappers[name]:
			fate = "hardly called since " + r.Since + ", and gone here"
		}
		return r.heir(fate, exists)
	}
	if exists(name + partSuffix) {
		return Heir{Name: name + partSuffix, Note: "the compiler left this part of it, which not all calls reach; the rest is inlined"}
	}
	if exists(name + "_noprof") {
		return Heir{Name: name + "_noprof", Note: "allocation functions have this name since 6.10"}
	}
	if base, ok := strings.CutSuffix(name, "_noprof"); ok && exists(base) {
		return Heir{Name: base, Note: "it's called _noprof since 6.10"}
	}
	if base, _, ok := strings.Cut(name, "."); ok && exists(base) {
		return Heir{Name: base, Note: "the compiler didn't make this variant of it here"}
	}
	return Heir{}
}

// wrappers are functions of the table that are, or were on some kernels after Since, there, and
// only call their heirs, for the few callers that weren't changed.
var wrappers = map[string]bool{
	"mark_page_accessed": true, "add_to_page_cache_lru": true, "wait_on_page_writeback": true,
	"end_page_writeback": true, "clear_page_dirty_for_io": true, "delete_from_page_cache": true,
	"__set_page_dirty_nobuffers": true, "lru_cache_add": true,
	"ip4_datagram_connect": true, "ip6_datagram_connect": true, "ip_send_skb": true,
	"fq_codel_dequeue": true,
}

// FindWrapped is FindHeir for a function that the kernel has, but most callers no longer call.
// exists is asked for such functions only.
func FindWrapped(name string, exists func(string) bool) Heir {
	if !wrappers[name] {
		return Heir{}
	}
	r := renameOf(name)
	fate := ""
	if r.Since != "" {
		fate = "hardly called since " + r.Since
	}
	h := r.heir(fate, exists)
	if h.Name == "" {
		return Heir{}
	}
	h.Some = r.Since == ""
	return h
}

// FindTraceable is FindHeir for a function that the kernel has and doesn't let be traced.
// exists reports the traceable ones.
func FindTraceable(name string, exists func(string) bool) Heir {
	if r := renameOf(name); r != nil {
		return r.heir("", exists)
	}
	return Heir{}
}

// renameOf is the row of a function, or nil.
func renameOf(name string) *Rename {
	for _, r := range Renames() {
		if r.Old == name {
			return &r
		}
	}
	return nil
}

// heir is the first of r's heirs that exists. fate is what happened to r's function.
func (r *Rename) heir(fate string, exists func(string) bool) Heir {
	note := strings.TrimPrefix(fate+"; "+r.Note, "; ")
	note = strings.TrimSuffix(note, "; ")
	for _, text := range r.New {
		name, args := parseHeir(text)
		if !exists(name) {
			if name = clone(name, exists); name == "" {
				continue
			}
		}
		return Heir{Name: name, Note: note + movedArgs(args), Args: args}
	}
	return Heir{Note: note}
}

// parseHeir reads an element of Rename.New.
func parseHeir(text string) (name string, args []int) {
	name, list, ok := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	if !ok {
		return name, nil
	}
	for _, a := range strings.Split(list, ",") {
		n, err := strconv.Atoi(a)
		if err != nil {
			n = -1
		}
		args = append(args, n)
	}
	return name, args
}

// movedArgs tells of arguments that aren't at their places.
func movedArgs(args []int) string {
	var b strings.Builder
	for i, n := range args {
		if n >= 0 && n != i {
			b.WriteString("; its arg" + strconv.Itoa(n) + " was arg" + strconv.Itoa(i))
		}
	}
	return b.String()
}

func clone(name string, exists func(string) bool) string {
	for _, s := range cloneSuffixes {
		if exists(name + s) {
			return name + s
		}
	}
	return ""
}

// systemCall is the call's name in sys_read, SyS_read, do_sys_read or another
// architecture's __x64_sys_read.
func systemCall(name string) (string, bool) {
	prefixes := append([]string{"sys_", "SyS_", "__se_sys_", "__do_sys_", "do_sys_"}, syscallPrefixes[:]...)
	for _, p := range prefixes {
		if call, ok := strings.CutPrefix(name, p); ok && call != "" {
			return call, true
		}
	}
	return "", false
}
