package testkit

import (
	"os"
	"slices"
	"strings"
)

// Feature is something of the kernel that tests ask for by its name in features. What a
// file tells is read off the file; what a kernel may have and still refuse is tried.
func Feature(name string) Requirement {
	missing, ok := features()[name]
	if !ok {
		panic("BUG: no feature " + name)
	}
	return Requirement{name, missing}
}

func features() map[string]func() string {
	return map[string]func() string{
		"btf":     exists("/sys/kernel/btf/vmlinux"),
		"kprobe":  exists("/sys/bus/event_source/devices/kprobe/type"),
		"uprobe":  exists("/sys/bus/event_source/devices/uprobe/type"),
		"pmu":     exists("/sys/bus/event_source/devices/cpu/type"),
		"tracefs": tracefs,
		"bpf lsm": bpfLSM,
		"bpffs":   exists("/sys/fs/bpf"),
		"cgroup2": cgroup2,
		"fentry":  fentry,
		"sctp":    exists("/sys/module/sctp"),
		// Virtual machines may have them and never stop at them.
		"watchpoint":   watchpoint,
		"nolock pages": nolockPages,
		// Kernels since 5.18 may be built without it.
		"kprobe.multi": kprobeMulti,
	}
}

// cgroup2 is mounted alone, or beside version 1.
func cgroup2() string {
	missing := ""
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if missing = exists(dir + "/cgroup.controllers")(); missing == "" {
			break
		}
	}
	return missing
}

// nolockPages: programs get memory where the kernel can't take locks. alloc_pages_nolock
// (mm/page_alloc.c) gives none as long as descriptors of pages are left to be initialised, and a
// kernel with this option leaves them until the memory is used up otherwise.
func nolockPages() string {
	const option = "deferred_init=lazy"
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return err.Error()
	}
	if slices.Contains(strings.Fields(string(line)), option) {
		return "the kernel was booted with " + option
	}
	return ""
}

func exists(path string) func() string {
	return File(path).Missing
}

func bpfLSM() string {
	list, err := os.ReadFile("/sys/kernel/security/lsm")
	if err != nil {
		return err.Error()
	}
	if !hasWord(string(list), "bpf") {
		return "not among the active LSMs: " + string(list)
	}
	return ""
}

func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		if w == word {
			return true
		}
	}
	return false
}
