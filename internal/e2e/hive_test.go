//go:build linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/rogpeppe/go-internal/testscript"
)

// hive runs a command among programs in all states, in network and mount namespaces of its
// own: `hive STATUS skep ps`. $WORK/bpf is a BPF file system there. The programs are
//
//	hive_held   held by this process only
//	hive_pin    pinned at bpf/hive_pin, held by nobody
//	hive_xdp    attached to lo as XDP, held by nobody
//	hive_tcx    attached to lo's tcx ingress by a link that is pinned at bpf/hive_tcx
//	hive_cg     attached to the egress of cgroup hive_cgroup_N, held by nobody
//	hive_gone   has a link to a cgroup that is removed
//	hive_tail   in the prog_array hive_calls
//
// and hive_held, hive_xdp share the hash map hive_shared, which has 3 of 64 elements.
func hive(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: hive status command args…")
	}
	// One at a time: the programs' names are the same in all.
	hives.Lock()
	defer hives.Unlock()
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with its namespaces
		failed <- amongBees(ts, args)
	}()
	ts.Check(<-failed)
}

var hives sync.Mutex

// bees makes the hive's objects, and what closes them.
type bees struct {
	dir     string
	closers []func() error
	err     error
}

func amongBees(ts *testscript.TestScript, args []string) (err error) {
	if err := syscall.Unshare(syscall.CLONE_NEWNET | syscall.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	dir := ts.MkAbs("bpf")
	if err := errors.Join(os.MkdirAll(dir, 0o755), syscall.Mount("bpf", dir, "bpf", 0, "")); err != nil {
		return fmt.Errorf("mount bpf: %w", err)
	}
	defer func() { err = errors.Join(err, syscall.Unmount(dir, syscall.MNT_DETACH)) }()
	b := &bees{dir: dir}
	defer func() {
		for i := len(b.closers) - 1; i >= 0; i-- {
			err = errors.Join(err, b.closers[i]())
		}
	}()
	if b.make(); b.err != nil {
		return b.err
	}
	status := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status, err = exit.ExitCode(), nil
	}
	if err == nil && strconv.Itoa(status) != args[0] {
		err = fmt.Errorf("exit status %d, want %s", status, args[0])
	}
	return err
}

func (b *bees) check(what string, err error) bool {
	if err != nil && b.err == nil {
		b.err = fmt.Errorf("%s: %w", what, err)
	}
	return b.err == nil
}

func (b *bees) later(f func() error) { b.closers = append(b.closers, f) }

func (b *bees) newMap(spec *ebpf.MapSpec) *ebpf.Map {
	m, err := ebpf.NewMap(spec)
	if b.check("make map "+spec.Name, err) {
		b.later(m.Close)
	}
	return m
}

// program loads a program that returns a number; held: it's closed with the hive.
func (b *bees) program(name string, typ ebpf.ProgramType, result int32, uses *ebpf.Map, held bool) *ebpf.Program {
	if b.err != nil {
		return nil
	}
	insns := asm.Instructions{}
	if uses != nil {
		insns = append(insns, asm.LoadMapPtr(asm.R1, uses.FD()))
	}
	insns = append(insns, asm.Mov.Imm(asm.R0, result), asm.Return())
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: name, Type: typ, Instructions: insns, License: "GPL"})
	if b.check("load "+name, err) && held {
		b.later(p.Close)
	}
	return p
}

func (b *bees) make() {
	shared := b.newMap(&ebpf.MapSpec{Name: "hive_shared", Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 64})
	for i := range uint32(3) {
		if b.err == nil {
			b.check("fill a map", shared.Put(i, uint64(i)))
		}
	}
	b.program("hive_held", ebpf.SocketFilter, 0, shared, true)
	if p := b.program("hive_pin", ebpf.SocketFilter, 0, nil, false); b.err == nil {
		b.check("pin", errors.Join(p.Pin(filepath.Join(b.dir, "hive_pin")), p.Close()))
	}
	calls := b.newMap(&ebpf.MapSpec{Name: "hive_calls", Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 8})
	if p := b.program("hive_tail", ebpf.SocketFilter, 0, nil, false); b.err == nil {
		b.check("put into prog_array", errors.Join(calls.Put(uint32(5), uint32(p.FD())), p.Close()))
	}
	b.network(shared)
	b.cgroups()
}

const loopback = 1 // the interface's index

func (b *bees) network(shared *ebpf.Map) {
	const xdpPass, tcxNext = 2, -1
	if p := b.program("hive_xdp", ebpf.XDP, xdpPass, shared, false); b.err == nil {
		// By netlink, so that no link holds it.
		path := filepath.Join(b.dir, "xdp")
		b.check("pin", p.Pin(path))
		out, err := exec.Command("ip", "link", "set", "dev", "lo", "xdpgeneric", "pinned", path).CombinedOutput()
		b.check("attach XDP: "+string(out), err)
		b.check("close", errors.Join(os.Remove(path), p.Close()))
	}
	if p := b.program("hive_tcx", ebpf.SchedCLS, tcxNext, nil, false); b.err == nil {
		l, err := link.AttachTCX(link.TCXOptions{Program: p, Interface: loopback, Attach: ebpf.AttachTCXIngress})
		if b.check("attach tcx", err) {
			b.check("pin", errors.Join(l.Pin(filepath.Join(b.dir, "hive_tcx")), l.Close(), p.Close()))
		}
	}
}

// cgroups attaches to a cgroup that is made for it.
func (b *bees) cgroups() {
	mounts, err := os.ReadFile("/proc/mounts")
	b.check("find cgroup2", err)
	root := ""
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); root == "" && len(f) > 2 && f[2] == "cgroup2" {
			root = f[1]
		}
	}
	dir, err := os.MkdirTemp(root, "hive_cgroup_")
	if !b.check("make cgroup", err) {
		return
	}
	b.later(func() error { return os.Remove(dir) })
	gone, err := os.MkdirTemp(root, "hive_removed_")
	if !b.check("make cgroup", err) {
		return
	}
	const pass = 1
	if p := b.program("hive_cg", ebpf.CGroupSKB, pass, nil, false); b.err == nil {
		f, err := os.Open(dir)
		b.check("open cgroup", err)
		err = link.RawAttachProgram(link.RawAttachProgramOptions{Target: int(f.Fd()), Program: p, Attach: ebpf.AttachCGroupInetEgress})
		b.check("attach to cgroup", errors.Join(err, f.Close(), p.Close()))
	}
	if p := b.program("hive_gone", ebpf.CGroupSKB, pass, nil, false); b.err == nil {
		l, err := link.AttachCgroup(link.CgroupOptions{Path: gone, Program: p, Attach: ebpf.AttachCGroupInetIngress})
		if b.check("link to cgroup", err) {
			b.later(l.Close)
		}
		b.check("remove cgroup", errors.Join(os.Remove(gone), p.Close()))
		// The kernel takes its programs off when it has the time.
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		waitFor(ctx, func() bool {
			info, err := l.Info()
			return err != nil || info.Cgroup().CgroupId == 0
		})
	} else {
		os.Remove(gone)
	}
}
