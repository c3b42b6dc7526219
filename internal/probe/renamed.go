package probe

import "strings"

// Rename is a kernel function that went, and what does its work today.
type Rename struct {
	Old   string
	New   []string // the heirs, latest last; a kernel has the first of them that it has
	Since string   // the first kernel known to lack Old
	Note  string   // what else to know; "" when the heir is used the same way
}

// Renames are the kernel functions that tracing tools attach to and that moved. Old's arguments
// aren't always the heir's; Note says where they aren't.
func Renames() []Rename {
	const folio = "its argument is a struct folio *, no longer a struct page *"
	return []Rename{
		// mm: read ahead, page cache
		{"__do_page_cache_readahead", []string{"do_page_cache_ra", "page_cache_ra_order", "page_cache_ra_unbounded"}, "5.10",
			"its first argument is a struct readahead_control *"},
		{"do_page_cache_ra", []string{"page_cache_ra_order", "page_cache_ra_unbounded"}, "5.18",
			"compilers inline it; page_cache_ra_order is the way large folios take"},
		{"page_cache_readahead_unbounded", []string{"page_cache_ra_unbounded"}, "5.10", ""},
		{"ondemand_readahead", []string{"page_cache_sync_ra"}, "6.11", "the other half is page_cache_async_ra"},
		{"__page_cache_alloc", []string{"filemap_alloc_folio", "filemap_alloc_folio_noprof"}, "5.16", "it returns a struct folio *"},
		{"filemap_alloc_folio", []string{"filemap_alloc_folio_noprof"}, "6.10", ""},
		{"mark_page_accessed", []string{"folio_mark_accessed"}, "5.16", folio},
		{"add_to_page_cache_lru", []string{"filemap_add_folio"}, "5.16", "its second argument is a struct folio *"},
		{"delete_from_page_cache", []string{"filemap_remove_folio"}, "5.17", folio},
		{"account_page_dirtied", []string{"folio_account_dirtied", "__folio_mark_dirty"}, "5.16",
			"tracepoint:writeback:writeback_dirty_folio is there on every kernel since 5.18"},
		{"folio_account_dirtied", []string{"__folio_mark_dirty"}, "5.16", "compilers inline it"},
		{"__set_page_dirty_nobuffers", []string{"filemap_dirty_folio"}, "5.18", ""},
		{"lru_cache_add", []string{"folio_add_lru"}, "5.16", folio},
		{"pagevec_lru_move_fn", []string{"folio_batch_move_lru"}, "6.0", ""},
		{"wait_on_page_bit", []string{"folio_wait_bit"}, "5.16", folio},
		{"wait_on_page_writeback", []string{"folio_wait_writeback"}, "5.16", folio},
		{"end_page_writeback", []string{"folio_end_writeback"}, "5.16", folio},
		{"clear_page_dirty_for_io", []string{"folio_clear_dirty_for_io"}, "5.16", folio},
		{"grab_cache_page_write_begin", []string{"__filemap_get_folio", "__filemap_get_folio_mpol"}, "6.17", ""},
		{"generic_file_buffered_read", []string{"filemap_read"}, "5.12", ""},
		{"block_write_full_page", []string{"block_write_full_folio"}, "6.8", folio},
		{"swap_readpage", []string{"swap_read_folio"}, "6.8", folio},
		{"migrate_misplaced_page", []string{"migrate_misplaced_folio"}, "6.7", folio},
		// mm: allocation
		{"__alloc_pages_nodemask", []string{"__alloc_pages", "__alloc_pages_noprof", "__alloc_frozen_pages_noprof"}, "5.13", ""},
		{"__alloc_pages", []string{"__alloc_pages_noprof", "__alloc_frozen_pages_noprof"}, "6.10", ""},
		{"alloc_pages_vma", []string{"vma_alloc_folio", "vma_alloc_folio_noprof"}, "5.19", "it returns a struct folio *"},
		{"alloc_pages_current", []string{"alloc_pages", "alloc_pages_noprof"}, "5.13", ""},
		{"__get_free_pages", []string{"get_free_pages_noprof"}, "6.10", ""},
		{"kmem_cache_alloc_trace", []string{"kmalloc_trace", "__kmalloc_cache_noprof"}, "6.1", ""},
		{"kmalloc_trace", []string{"__kmalloc_cache_noprof"}, "6.10", ""},
		// block
		{"blk_account_io_start", []string{"__blk_account_io_start"}, "5.16",
			"compilers may inline both; tracepoint:block:block_io_start is there since 6.5"},
		{"__blk_account_io_start", []string{"blk_account_io_start"}, "6.11",
			"compilers may inline both; tracepoint:block:block_io_start is there since 6.5"},
		{"blk_account_io_done", []string{"__blk_account_io_done"}, "5.16",
			"compilers may inline both; tracepoint:block:block_io_done is there since 6.5"},
		{"__blk_account_io_done", []string{"blk_account_io_done"}, "6.11",
			"compilers may inline both; tracepoint:block:block_io_done is there since 6.5"},
		{"blk_account_io_completion", []string{"blk_account_io_done", "__blk_account_io_done"}, "5.16",
			"tracepoint:block:block_io_done is there since 6.5"},
		{"blk_start_request", []string{"blk_mq_start_request"}, "5.0", ""},
		{"generic_make_request", []string{"submit_bio_noacct"}, "5.9", ""},
		// net
		{"tcp_drop", []string{"tcp_drop_reason", "sk_skb_reason_drop"}, "5.18", "tracepoint:skb:kfree_skb tells drops and their reason"},
		{"tcp_drop_reason", []string{"sk_skb_reason_drop"}, "6.11", "tracepoint:skb:kfree_skb tells drops and their reason"},
		{"kfree_skb", []string{"kfree_skb_reason", "sk_skb_reason_drop"}, "5.17", "tracepoint:skb:kfree_skb tells drops and their reason"},
		{"kfree_skb_reason", []string{"sk_skb_reason_drop"}, "6.11", "its first argument is the struct sock *, the second the struct sk_buff *"},
		{"__sock_sendmsg", []string{"sock_sendmsg"}, "6.6", ""},
		// files
		{"__vfs_read", []string{"vfs_read"}, "5.8", ""},
		{"__vfs_write", []string{"vfs_write"}, "5.8", ""},
		{"do_readv_writev", []string{"vfs_readv", "vfs_writev", "do_iter_readv_writev"}, "4.13", ""},
		{"do_coredump", []string{"vfs_coredump"}, "6.16", ""},
		{"do_filp_open", []string{"do_file_open", "path_openat"}, "7.3", ""},
		{"do_unlinkat", []string{"filename_unlinkat"}, "7.3", ""},
		{"do_rmdir", []string{"filename_rmdir"}, "7.3", ""},
		{"do_mkdirat", []string{"filename_mkdirat"}, "7.3", ""},
		{"do_renameat2", []string{"filename_renameat2"}, "7.3", ""},
		// processes and the scheduler
		{"do_fork", []string{"_do_fork", "kernel_clone"}, "4.17", "kernel_clone's argument is a struct kernel_clone_args *"},
		{"_do_fork", []string{"kernel_clone"}, "5.10", "its argument is a struct kernel_clone_args *"},
		{"do_execveat_common", []string{"bprm_execve"}, "5.11", "compilers inline it"},
		{"__send_signal", []string{"__send_signal_locked", "send_signal_locked"}, "5.19", ""},
		{"__do_page_fault", []string{"do_user_addr_fault", "exc_page_fault"}, "5.8", ""},
		{"ttwu_do_wakeup", []string{"ttwu_do_activate"}, "6.2", ""},
		{"pick_next_task_fair", []string{"pick_task_fair"}, "7.3", ""},
		{"run_rebalance_domains", []string{"sched_balance_softirq"}, "6.10", ""},
		{"rebalance_domains", []string{"sched_balance_domains"}, "6.10", ""},
		{"load_balance", []string{"sched_balance_rq"}, "6.10", ""},
		{"trigger_load_balance", []string{"sched_balance_trigger"}, "6.10", ""},
	}
}

// cloneSuffixes are what gcc appends to a function that it made to measure.
var cloneSuffixes = [...]string{".isra.0", ".constprop.0", ".isra.0.constprop.0", ".constprop.0.isra.0", ".part.0"}

// syscallPrefixes are of the functions that take a system call's arguments, by
// architecture (since 4.17 their only argument is a struct pt_regs *).
var syscallPrefixes = [...]string{"__x64_sys_", "__arm64_sys_"}

// Heir finds what became of a kernel function that a script names and the kernel
// lacks: its name there, which exists reports, and a note. Both are "" when nothing
// is known; newName is when only another way is known, which the note tells.
func Heir(name string, exists func(string) bool) (newName, note string) {
	if clone := clone(name, exists); clone != "" {
		return clone, "the compiler made this variant of it, whose arguments may differ"
	}
	if call, ok := systemCall(name); ok {
		for _, prefix := range syscallPrefixes {
			if exists(prefix + call) {
				return prefix + call, "its only argument is a struct pt_regs * with the call's; " +
					"tracepoint:syscalls:sys_enter_" + call + " has them named"
			}
		}
	}
	for _, r := range Renames() {
		if r.Old != name {
			continue
		}
		since := "gone since " + r.Since
		if r.Note != "" {
			since += "; " + r.Note
		}
		for _, heir := range r.New {
			if exists(heir) {
				return heir, since
			}
			if c := clone(heir, exists); c != "" {
				return c, since
			}
		}
		return "", since
	}
	if exists(name + "_noprof") {
		return name + "_noprof", "allocation functions have this name since 6.10"
	}
	if base, ok := strings.CutSuffix(name, "_noprof"); ok && exists(base) {
		return base, "it's called _noprof since 6.10"
	}
	if base, _, ok := strings.Cut(name, "."); ok && exists(base) {
		return base, "the compiler didn't make this variant of it here"
	}
	return "", ""
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
