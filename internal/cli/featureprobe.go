package cli

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
)

// featureProbing is a run of `feature probe`.
type featureProbing struct {
	*bpfRun
	full, macros, unprivileged bool
	prefix                     string // of macros
}

// featureProbe tries the kernel.
func featureProbe(b *bpfRun) error {
	p := &featureProbing{bpfRun: b}
	if err := p.read(); err != nil {
		return err
	}
	if !p.unprivileged {
		return p.probe()
	}
	// Capabilities are a thread's, and this one ends with its goroutine.
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := sys.DropCaps(); err != nil {
			done <- err
			return
		}
		done <- p.probe()
	}()
	return <-done
}

// read reads the words.
func (p *featureProbing) read() (err error) {
	for p.more() && err == nil {
		switch {
		case p.take("kernel"):
		case p.take("full"):
			p.full = true
		case p.take("unprivileged"):
			p.unprivileged = true
		case p.take("macros"):
			p.macros = p.out.JSON == nil
		case p.take("prefix"):
			if p.prefix, err = p.next("the prefix"); err == nil && !p.macros && p.out.JSON == nil {
				err = usagef("prefix stands behind macros")
			}
		case isWord(p.words[0], "dev"):
			err = usagef("devices that run programs themselves can't be probed")
		default:
			err = p.unexpected("kernel", "full", "unprivileged", "macros", "prefix")
		}
	}
	return err
}

func (p *featureProbing) probe() error {
	p.open("{")
	err := p.systemConfig()
	p.section("syscall_config", "system call availability", "System call availability")
	p.feature("have_bpf_syscall", "bpf() syscall", p.reader.HasSyscall())
	p.endSection()
	p.section("program_types", "eBPF program types", "eBPF program types")
	has := map[string]bool{}
	for n, name := range inspect.ProgTypes[1:] {
		has[name] = p.reader.HasProgType(uint32(n + 1))
		p.feature("have_"+name+"_prog_type", "eBPF program_type "+name, has[name])
	}
	p.endSection()
	p.section("map_types", "eBPF map types", "eBPF map types")
	for n, name := range inspect.MapTypes[1:] {
		p.feature("have_"+name+"_map_type", "eBPF map_type "+name, p.reader.HasMapType(uint32(n+1)))
	}
	p.endSection()
	p.section("helpers", "eBPF helper functions", "eBPF helper functions")
	if p.macros {
		fmt.Fprintf(p.out.Text, "/* #if %[1]sHAVE_PROG_TYPE_HELPER(xdp, bpf_redirect): programs of the type may call it */\n"+
			"#define %[1]sHAVE_PROG_TYPE_HELPER(prog_type, helper) %[1]sBPF__PROG_TYPE_ ## prog_type ## __HELPER_ ## helper\n", p.prefix)
	}
	for n, name := range inspect.ProgTypes[1:] {
		p.helpers(name, has[name], p.reader.AvailableHelpers(uint32(n+1), p.full))
	}
	p.endSection()
	p.section("misc", "miscellaneous eBPF features", "eBPF misc features")
	for _, m := range p.reader.MiscFeatures() {
		p.feature(m.Name, m.Text, m.Have)
	}
	p.endSection()
	p.end("}")
	return err
}

// section begins a group of features.
func (p *featureProbing) section(name, title, comment string) {
	switch j := p.out.JSON; {
	case j != nil:
		j.Name(name)
		j.Open("{")
	case p.macros:
		fmt.Fprintf(p.out.Text, "/*** %s ***/\n", comment)
	default:
		fmt.Fprintf(p.out.Text, "Scanning %s...\n", title)
	}
}

func (p *featureProbing) endSection() {
	if p.out.JSON == nil {
		fmt.Fprintln(p.out.Text)
	}
	p.end("}")
}

func (p *featureProbing) feature(name, text string, have bool) {
	no, answer := "NO_", "NOT available"
	if have {
		no, answer = "", "available"
	}
	switch {
	case p.out.JSON != nil:
		p.out.JSON.Member(name, have)
	case p.macros:
		fmt.Fprintf(p.out.Text, "#define %s%s%s\n", p.prefix, no, strings.ToUpper(name))
	default:
		fmt.Fprintf(p.out.Text, "%s is %s\n", text, answer)
	}
}

// helpers prints which helpers programs of a type may call; has: there are such programs.
func (p *featureProbing) helpers(prog string, has bool, names []string) {
	switch j := p.out.JSON; {
	case j != nil:
		if names == nil {
			names = []string{}
		}
		j.Member(prog+"_available_helpers", names)
		return
	case p.macros:
		for _, h := range inspect.TriedHelpers(p.full) {
			have := 0
			if slices.Contains(names, h.String()) {
				have = 1
			}
			fmt.Fprintf(p.out.Text, "#define %sBPF__PROG_TYPE_%s__HELPER_%s %d\n", p.prefix, prog, h, have)
		}
		return
	}
	fmt.Fprintf(p.out.Text, "eBPF helpers supported for program type %s:\n", prog)
	switch {
	case !has:
		fmt.Fprintln(p.out.Text, "\tProgram type not supported")
	case len(names) == 0:
		fmt.Fprintln(p.out.Text, "\tCould not determine which helpers are available")
	}
	for _, n := range names {
		fmt.Fprintf(p.out.Text, "\t- %s\n", n)
	}
}

// sysctls are the settings of BPF, and what their values mean.
var sysctls = []struct {
	name, path, text string
	values           []string
}{
	{"unprivileged_bpf_disabled", "/proc/sys/kernel/unprivileged_bpf_disabled", "bpf() syscall", []string{"for unprivileged users is enabled", "restricted to privileged users (without recovery)", "restricted to privileged users (admin can change)"}},
	{"bpf_jit_enable", "/proc/sys/net/core/bpf_jit_enable", "JIT compiler", []string{"is disabled", "is enabled", "is enabled with debugging traces in kernel logs"}},
	{"bpf_jit_harden", "/proc/sys/net/core/bpf_jit_harden", "JIT compiler hardening", []string{"is disabled", "is enabled for unprivileged users", "is enabled for all users"}},
	{"bpf_jit_kallsyms", "/proc/sys/net/core/bpf_jit_kallsyms", "JIT compiler kallsyms exports", []string{"are disabled", "are enabled for root"}},
	{"bpf_jit_limit", "/proc/sys/net/core/bpf_jit_limit", "Global memory limit for JIT compiler for unprivileged users", nil},
}

// kernelOptions are the options of the kernel's build that are told.
var kernelOptions = strings.Fields(`CONFIG_BPF CONFIG_BPF_SYSCALL CONFIG_HAVE_EBPF_JIT CONFIG_BPF_JIT CONFIG_BPF_JIT_ALWAYS_ON
	CONFIG_DEBUG_INFO_BTF CONFIG_DEBUG_INFO_BTF_MODULES CONFIG_CGROUPS CONFIG_CGROUP_BPF CONFIG_CGROUP_NET_CLASSID
	CONFIG_SOCK_CGROUP_DATA CONFIG_BPF_EVENTS CONFIG_KPROBE_EVENTS CONFIG_UPROBE_EVENTS CONFIG_TRACING CONFIG_FTRACE_SYSCALLS
	CONFIG_FUNCTION_ERROR_INJECTION CONFIG_BPF_KPROBE_OVERRIDE CONFIG_NET CONFIG_XDP_SOCKETS CONFIG_LWTUNNEL_BPF
	CONFIG_NET_ACT_BPF CONFIG_NET_CLS_BPF CONFIG_NET_CLS_ACT CONFIG_NET_SCH_INGRESS CONFIG_XFRM CONFIG_IP_ROUTE_CLASSID
	CONFIG_IPV6_SEG6_BPF CONFIG_BPF_LIRC_MODE2 CONFIG_BPF_STREAM_PARSER CONFIG_NETFILTER_XT_MATCH_BPF CONFIG_TEST_BPF CONFIG_HZ`)

func (p *featureProbing) systemConfig() error {
	p.section("system_config", "system configuration", "Misc kernel config items")
	if p.macros {
		return p.macroConfig()
	}
	b := p.bpfRun
	for _, s := range sysctls {
		data, err := os.ReadFile(s.path)
		n := 0
		if err == nil {
			n, err = strconv.Atoi(strings.TrimSpace(string(data)))
		}
		switch {
		case err != nil:
			b.lacking([]error{fmt.Errorf("read setting %s: %w", s.name, err)})
		case b.out.JSON != nil:
			b.out.JSON.Member(s.name, n)
		case n >= 0 && n < len(s.values):
			fmt.Fprintf(b.out.Text, "%s %s\n", s.text, s.values[n])
		case s.values == nil:
			fmt.Fprintf(b.out.Text, "%s is %d bytes\n", s.text, n)
		default:
			fmt.Fprintf(b.out.Text, "%s has unknown value %d\n", s.text, n)
		}
	}
	k := kern.New(os.DirFS("/"))
	config, err := k.Config(kernelOptions...)
	if err != nil {
		b.lacking([]error{err})
	}
	for _, name := range kernelOptions {
		v := config[name]
		ok := v != ""
		switch {
		case b.out.JSON != nil && ok:
			b.out.JSON.Member(name, v)
		case b.out.JSON != nil:
			b.out.JSON.Member(name, nil)
		case ok:
			fmt.Fprintf(b.out.Text, "%s is set to %s\n", name, v)
		default:
			fmt.Fprintf(b.out.Text, "%s is not set\n", name)
		}
	}
	p.endSection()
	return k.Close()
}

// macroConfig are the options of the kernel's build that C code looks at.
func (p *featureProbing) macroConfig() error {
	const option = "CONFIG_HZ"
	k := kern.New(os.DirFS("/"))
	config, err := k.Config(option)
	if err != nil {
		p.lacking([]error{err})
	}
	if v := config[option]; v != "" {
		fmt.Fprintf(p.out.Text, "#define %s%s %s\n", p.prefix, option, v)
	} else {
		fmt.Fprintf(p.out.Text, "/* %s%s is not set */\n", p.prefix, option)
	}
	p.endSection()
	return k.Close()
}
