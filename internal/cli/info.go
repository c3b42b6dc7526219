package cli

import (
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/skep-bpf/skep/internal/host/doctor"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// info is bpftrace's --info: what `skep doctor` finds, under bpftrace's names. Scripts that
// choose their probes by it look for lines such as "kprobe_multi: yes".
func (a *app) info() int {
	m := newMachine(&Job{})
	report := doctor.Examine(m.kernel, m.files, os.DirFS("/"))
	printInfo(a.out, report, m.env.Facts())
	if err := m.Close(); err != nil {
		return a.trouble(err)
	}
	return exitOK
}

// instructionLimit is how many instructions the verifier walks through, BPF_COMPLEXITY_LIMIT_INSNS
// (linux/bpf.h).
const instructionLimit = 1000000

// machineName is an architecture's name as uname(2) gives it.
func machineName(arch string) string {
	switch arch {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	}
	return arch
}

// fact is a line of --info: a name and whether the machine has it.
type fact struct {
	name string
	have bool
}

func printInfo(w io.Writer, report *doctor.Report, facts *types.Facts) {
	found := map[string]*doctor.Row{}
	for i := range report.Rows {
		found[report.Rows[i].Item] = &report.Rows[i]
	}
	have := func(item string) bool { return found[item] != nil && found[item].OK }
	since := func(major, minor uint32) bool { return facts.Kernel >= major<<16|minor<<8 }
	btf := have("BTF")
	kernel := "unknown"
	if r := found["kernel"]; r != nil {
		kernel = r.Detail
	}
	fmt.Fprintf(w, "System\n  OS: Linux %s\n  Arch: %s\n\n", kernel, machineName(runtime.GOARCH))
	fmt.Fprintf(w, "Build\n  version: %s (skep %s)\n  libdw (DWARF support): yes\n", bpftraceVersion, Version+revision())
	section := func(title string, facts ...fact) {
		fmt.Fprintf(w, "\n%s\n", title)
		for _, f := range facts {
			answer := "no"
			if f.have {
				answer = "yes"
			}
			fmt.Fprintf(w, "  %s: %s\n", f.name, answer)
		}
	}
	f := facts.Features
	section("Kernel helpers",
		fact{"dpath", f.DPath && have("fentry, fexit")}, fact{"get_func_ip", since(5, 17)}, fact{"loop", f.Loop},
		fact{"get_tai_ns", f.TaiNS}, fact{"lookup_percpu_elem", since(5, 19)}, fact{"jiffies64", f.JiffiesHelper})
	section("Kernel features", fact{"btf", btf}, fact{"module btf", btf && since(5, 11)})
	fmt.Fprintf(w, "  Instruction limit: %d\n", instructionLimit)
	section("Probe types",
		fact{"kprobe", have("kprobe")}, fact{"kprobe_multi", have("kprobe, many at once")},
		fact{"kprobe_session", have("kprobe, many at once") && since(6, 10)},
		fact{"uprobe_multi", have("uprobe, many at once")}, fact{"fentry", have("fentry, fexit")},
		fact{"iter", have("iter")}, fact{"hardware", have("hardware")}, fact{"watchpoint", have("watchpoint")})
}
