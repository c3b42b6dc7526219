package elfload

import (
	"fmt"
	"strings"
	"sync"

	"github.com/cilium/ebpf"

	"github.com/skep-bpf/skep/internal/inspect"
)

// section is what the name of a program's section says about the program.
type section struct {
	name   string // "kprobe", "cgroup/connect4"
	target bool   // a "/" and what the program is for may follow
	prog   ebpf.ProgramType
	attach ebpf.AttachType
	flags  uint32
}

// Flags of programs (BPF_F_… of BPF_PROG_LOAD, include/uapi/linux/bpf.h).
const (
	flagSleepable    = 1 << 4
	flagFragments    = 1 << 5 // BPF_F_XDP_HAS_FRAGS
	flagDevBoundOnly = 1 << 6 // BPF_F_XDP_DEV_BOUND_ONLY
)

// sectionRows are the names that libbpf 1.8 knows, a row for those of a program type and
// attach type: type, attach type or -, names. Behind a name with + may stand "/" and a
// target. ".s" in a name is for programs that may sleep, ".frags" for packets in pieces.
const sectionRows = `
socket_filter           -                              socket
sk_reuseport            sk_reuseport_select_or_migrate sk_reuseport/migrate
sk_reuseport            sk_reuseport_select            sk_reuseport
kprobe                  -                              kprobe+ kretprobe+ ksyscall+ kretsyscall+ usdt+ usdt.s+
kprobe                  -                              uprobe+ uprobe.s+ uretprobe+ uretprobe.s+
kprobe                  trace_kprobe_multi             kprobe.multi+ kretprobe.multi+
kprobe                  trace_kprobe_session           kprobe.session+
kprobe                  trace_uprobe_multi             uprobe.multi+ uprobe.multi.s+ uretprobe.multi+ uretprobe.multi.s+
kprobe                  trace_uprobe_session           uprobe.session+ uprobe.session.s+
sched_cls               tcx_ingress                    tc/ingress tcx/ingress
sched_cls               tcx_egress                     tc/egress tcx/egress
sched_cls               netkit_primary                 netkit/primary
sched_cls               netkit_peer                    netkit/peer
sched_cls               -                              tc classifier
sched_act               -                              action
tracepoint              -                              tracepoint+ tracepoint.s+ tp+ tp.s+
raw_tracepoint          -                              raw_tracepoint+ raw_tracepoint.s+ raw_tp+ raw_tp.s+
raw_tracepoint_writable -                              raw_tracepoint.w+ raw_tp.w+
tracing                 trace_raw_tp                   tp_btf+ tp_btf.s+
tracing                 trace_fentry                   fentry+ fentry.s+
tracing                 trace_fexit                    fexit+ fexit.s+
tracing                 modify_return                  fmod_ret+ fmod_ret.s+
tracing                 trace_fsession                 fsession+ fsession.s+
tracing                 trace_fentry_multi             fentry.multi+ fentry.multi.s+
tracing                 trace_fexit_multi              fexit.multi+ fexit.multi.s+
tracing                 trace_fsession_multi           fsession.multi+ fsession.multi.s+
tracing                 trace_iter                     iter+ iter.s+
ext                     -                              freplace+
lsm                     lsm_mac                        lsm+ lsm.s+
lsm                     lsm_cgroup                     lsm_cgroup+
syscall                 -                              syscall
xdp                     xdp_devmap                     xdp/devmap xdp.frags/devmap
xdp                     xdp_cpumap                     xdp/cpumap xdp.frags/cpumap
xdp                     xdp                            xdp xdp.frags
perf_event              -                              perf_event
lwt_in                  -                              lwt_in
lwt_out                 -                              lwt_out
lwt_xmit                -                              lwt_xmit
lwt_seg6local           -                              lwt_seg6local
sock_ops                cgroup_sock_ops                sockops
sk_skb                  sk_skb_stream_parser           sk_skb/stream_parser
sk_skb                  sk_skb_stream_verdict          sk_skb/stream_verdict
sk_skb                  sk_skb_verdict                 sk_skb/verdict
sk_skb                  -                              sk_skb
sk_msg                  sk_msg_verdict                 sk_msg
lirc_mode2              lirc_mode2                     lirc_mode2
flow_dissector          flow_dissector                 flow_dissector
cgroup_skb              cgroup_inet_ingress            cgroup_skb/ingress
cgroup_skb              cgroup_inet_egress             cgroup_skb/egress
cgroup_skb              -                              cgroup/skb
cgroup_sock             cgroup_inet_sock_create        cgroup/sock_create cgroup/sock
cgroup_sock             cgroup_inet_sock_release       cgroup/sock_release
cgroup_sock             cgroup_inet4_post_bind         cgroup/post_bind4
cgroup_sock             cgroup_inet6_post_bind         cgroup/post_bind6
cgroup_sock_addr        cgroup_inet4_bind              cgroup/bind4
cgroup_sock_addr        cgroup_inet6_bind              cgroup/bind6
cgroup_sock_addr        cgroup_inet4_connect           cgroup/connect4
cgroup_sock_addr        cgroup_inet6_connect           cgroup/connect6
cgroup_sock_addr        cgroup_unix_connect            cgroup/connect_unix
cgroup_sock_addr        cgroup_udp4_sendmsg            cgroup/sendmsg4
cgroup_sock_addr        cgroup_udp6_sendmsg            cgroup/sendmsg6
cgroup_sock_addr        cgroup_unix_sendmsg            cgroup/sendmsg_unix
cgroup_sock_addr        cgroup_udp4_recvmsg            cgroup/recvmsg4
cgroup_sock_addr        cgroup_udp6_recvmsg            cgroup/recvmsg6
cgroup_sock_addr        cgroup_unix_recvmsg            cgroup/recvmsg_unix
cgroup_sock_addr        cgroup_inet4_getpeername       cgroup/getpeername4
cgroup_sock_addr        cgroup_inet6_getpeername       cgroup/getpeername6
cgroup_sock_addr        cgroup_unix_getpeername        cgroup/getpeername_unix
cgroup_sock_addr        cgroup_inet4_getsockname       cgroup/getsockname4
cgroup_sock_addr        cgroup_inet6_getsockname       cgroup/getsockname6
cgroup_sock_addr        cgroup_unix_getsockname        cgroup/getsockname_unix
cgroup_sysctl           cgroup_sysctl                  cgroup/sysctl
cgroup_sockopt          cgroup_getsockopt              cgroup/getsockopt
cgroup_sockopt          cgroup_setsockopt              cgroup/setsockopt
cgroup_device           cgroup_device                  cgroup/dev
struct_ops              -                              struct_ops+ struct_ops.s+
sk_lookup               sk_lookup                      sk_lookup
netfilter               netfilter                      netfilter
`

// sections are the rows of sectionRows by name.
var sections = sync.OnceValue(func() map[string]section {
	m := map[string]section{}
	for row := range strings.Lines(strings.TrimSpace(sectionRows)) {
		f := strings.Fields(row)
		prog, ok := inspect.TypeNumber(inspect.ProgTypes, f[0])
		attach, known := uint32(0), f[1] == "-"
		if !known {
			attach, known = inspect.TypeNumber(inspect.AttachTypes, f[1])
		}
		if !ok || !known {
			panic("BUG: section row " + row)
		}
		for _, name := range f[2:] {
			s := section{prog: ebpf.ProgramType(prog), attach: ebpf.AttachType(attach)}
			s.name, s.target = strings.CutSuffix(name, "+")
			if strings.HasSuffix(s.name, ".s") || s.prog == ebpf.Syscall {
				s.flags |= flagSleepable
			}
			if strings.HasPrefix(s.name, "xdp.frags") {
				s.flags |= flagFragments
			}
			m[s.name] = s
		}
	}
	return m
})

// sectionOf is the section of a name, and what the programs in it are for: "sys_nanosleep"
// of "kprobe/sys_nanosleep".
func sectionOf(name string) (s section, target string, ok bool) {
	all := sections()
	if s, ok = all[name]; ok {
		return s, "", true
	}
	before, target, _ := strings.Cut(name, "/")
	s, ok = all[before]
	return s, target, ok && s.target
}

// A Type says what all programs of an object are, in place of their sections' names.
type Type struct{ section section }

// TypeByName is the type that a section of this name gives a program: "xdp", "cgroup/skb".
func TypeByName(name string) (*Type, error) {
	s, _, ok := sectionOf(name)
	if !ok {
		return nil, fmt.Errorf("there is no program type %q: a type is told as a section's name does it: xdp, tc, kprobe, cgroup/connect4", name)
	}
	return &Type{s}, nil
}
