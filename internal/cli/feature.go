package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/inspect"
)

// featureCommand is `skep feature`: what the running kernel's BPF can do, by trying.
func (a *app) featureCommand() *cobra.Command {
	return a.object("feature", "Try what the kernel's BPF can do", []verb{
		{use: "probe [kernel] [full]", short: "Try types of programs and maps, helpers, and what else kernels came to allow", run: featureProbe},
		{use: "list_builtins GROUP", short: "List the names that skep knows of prog_types, map_types, attach_types, link_types or helpers", run: featureBuiltins},
	})
}

func featureBuiltins(b *bpfRun) error {
	group, err := b.next("the group")
	if err != nil {
		return err
	}
	if err := b.done(); err != nil {
		return err
	}
	var names []string
	switch group {
	case "prog_types":
		names = inspect.ProgTypes
	case "map_types":
		names = inspect.MapTypes
	case "attach_types":
		names = inspect.AttachTypes
	case "link_types":
		names = inspect.LinkTypes
	case "helpers":
		names = []string{"bpf_unspec"} // number 0
		for _, h := range helper.All() {
			names = append(names, h.String())
		}
	default:
		return usagef("the groups are prog_types, map_types, attach_types, link_types and helpers, not %q", group)
	}
	b.open("[")
	for _, n := range names {
		if b.out.JSON != nil {
			b.out.JSON.Text(n)
		} else {
			fmt.Fprintln(b.out.Text, n)
		}
	}
	b.end("]")
	return nil
}

// featureProbe tries the kernel.
func featureProbe(b *bpfRun) error {
	full := false
	for b.more() {
		switch {
		case b.take("kernel"):
		case b.take("full"):
			full = true
		default:
			return usagef("probe takes kernel and full, not %q: devices, unprivileged probes and macros aren't supported", b.words[0])
		}
	}
	b.open("{")
	err := b.systemConfig()
	b.section("syscall_config", "system call availability", "")
	b.feature("have_bpf_syscall", "bpf() syscall", b.reader.HasMapType(mapArrayType))
	b.end("}")
	b.section("program_types", "eBPF program types", "\n")
	for n, name := range inspect.ProgTypes[1:] {
		b.feature("have_"+name+"_prog_type", "eBPF program_type "+name, b.reader.HasProgType(uint32(n+1)))
	}
	b.end("}")
	b.section("map_types", "eBPF map types", "\n")
	for n, name := range inspect.MapTypes[1:] {
		b.feature("have_"+name+"_map_type", "eBPF map_type "+name, b.reader.HasMapType(uint32(n+1)))
	}
	b.end("}")
	b.section("helpers", "eBPF helper functions", "\n")
	for n, name := range inspect.ProgTypes[1:] {
		b.helpers(name, b.reader.AvailableHelpers(uint32(n+1), full))
	}
	b.end("}")
	b.section("misc", "miscellaneous eBPF features", "\n")
	for _, m := range b.reader.MiscFeatures() {
		b.feature(m.Name, m.Text, m.Have)
	}
	b.end("}")
	b.end("}")
	return err
}

// mapArrayType is BPF_MAP_TYPE_ARRAY.
const mapArrayType = 2

// section begins a group of features.
func (b *bpfRun) section(name, title, before string) {
	if j := b.out.JSON; j != nil {
		j.Name(name)
		j.Open("{")
		return
	}
	fmt.Fprintf(b.out.Text, "%sScanning %s...\n", before, title)
}

func (b *bpfRun) feature(name, text string, have bool) {
	if b.out.JSON != nil {
		b.out.JSON.Member(name, have)
		return
	}
	answer := "NOT available"
	if have {
		answer = "available"
	}
	fmt.Fprintf(b.out.Text, "%s is %s\n", text, answer)
}

func (b *bpfRun) helpers(prog string, names []string) {
	if j := b.out.JSON; j != nil {
		if names == nil {
			names = []string{}
		}
		j.Member(prog+"_available_helpers", names)
		return
	}
	fmt.Fprintf(b.out.Text, "eBPF helpers supported for program type %s:\n", prog)
	if len(names) == 0 {
		fmt.Fprintln(b.out.Text, "\tNone found, or they can't be tried")
	}
	for _, n := range names {
		fmt.Fprintf(b.out.Text, "\t- %s\n", n)
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

func (b *bpfRun) systemConfig() error {
	b.section("system_config", "system configuration", "")
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
	b.end("}")
	if b.out.JSON == nil {
		fmt.Fprintln(b.out.Text)
	}
	return k.Close()
}
