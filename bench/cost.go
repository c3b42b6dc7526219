package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

//go:embed scripts.txt
var scripts string

// figures are what one run of a script cost.
type figures struct{ insns, calls, ns, events float64 }

// cost compares what the kernel counts for the programs that each tool loads.
func (b *bench) cost() error {
	stats, err := ebpf.EnableStats(0) // BPF_STATS_RUN_TIME
	if err != nil {
		return fmt.Errorf("enable BPF statistics: %w", err)
	}
	defer stats.Close()
	fmt.Print("\n### Cost per event\n\n| script | tool | instructions | helper calls | ns per event | insns / peer | ns / peer |\n|---|---|---:|---:|---:|---:|---:|\n")
	var insnRatios, nsRatios []float64
	for line := range strings.Lines(scripts) {
		name, text, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || !strings.Contains(name, b.only) {
			continue
		}
		got, err := b.costOf(text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		base := got[len(got)-1]
		for i, t := range b.tools {
			fmt.Printf("| %s | %s | %.0f | %.0f | %.0f | %.2f | %.2f |\n", name, t.name, got[i].insns, got[i].calls, got[i].ns,
				got[i].insns/base.insns, got[i].ns/base.ns)
		}
		insnRatios = append(insnRatios, got[0].insns/base.insns)
		nsRatios = append(nsRatios, got[0].ns/base.ns)
	}
	if len(insnRatios) > 0 {
		fmt.Printf("\nGeometric mean over %d scripts: %.3f of the peer's instructions, %.3f of its time.\n", len(insnRatios), geomean(insnRatios), geomean(nsRatios))
	}
	return nil
}

// costOf runs a script with each tool in turn, several rounds.
func (b *bench) costOf(text string) ([]figures, error) {
	out := make([]figures, len(b.tools))
	ns := make([][]float64, len(b.tools))
	for range b.rounds {
		for i, t := range b.tools {
			f, err := measure(append(t.cmd, "-e", text))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
			out[i] = f
			ns[i] = append(ns[i], f.ns)
		}
	}
	for i := range out {
		out[i].ns = median(ns[i])
	}
	return out, nil
}

// measure runs a tracer under the load and reads the kernel's counts.
func measure(cmd []string) (figures, error) {
	var f figures
	err := underLoad(cmd, []string{"load", fmt.Sprint(loadSeconds)}, nil, func(pid int) (err error) {
		f, err = readFigures(programsOf(pid), func(_ *ebpf.ProgramInfo, st *ebpf.ProgramStats) bool { return st.RunCount > 100 })
		if err == nil && f.events == 0 {
			err = errors.New("no events")
		}
		return err
	})
	return f, err
}

// loadSeconds is how long the load runs.
const loadSeconds = 1.5

// underLoad runs a tracer and, once it's attached, the load. All that it prints goes to
// out; after, when not nil, is called with its process id before it's stopped.
func underLoad(cmd, load []string, out *os.File, after func(pid int) error) error {
	c := exec.Command(cmd[0], cmd[1:]...)
	var stderr strings.Builder
	var attached announced
	c.Stdout, c.Stderr = &attached, io.MultiWriter(&stderr, &attached)
	if out != nil {
		c.Stdout, c.Stderr = io.MultiWriter(out, &attached), io.MultiWriter(&stderr, out, &attached)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	stop := func() {
		_ = syscall.Kill(c.Process.Pid, syscall.SIGINT)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
			<-ended
		}
	}
	deadline := time.Now().Add(attachLimit)
	for !attached.Load() {
		select {
		case err := <-ended:
			return fmt.Errorf("ended early: %v: %s", err, stderr.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			stop()
			return errors.New("it didn't say that it's attached")
		}
	}
	err := exec.Command(os.Args[0], load...).Run()
	if after != nil {
		err = errors.Join(err, after(c.Process.Pid))
	}
	stop()
	return err
}

// attachLimit is how long a tracer may take to attach; some are slow in emulation.
const attachLimit = time.Minute

// announced is set when a tracer has written that its probes are attached.
type announced struct{ atomic.Bool }

func (a *announced) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("Attached ")) {
		a.Store(true)
	}
	return len(b), nil
}

// programsOf are the programs that a process holds, itself or by a link: the kernel tells
// them in its descriptors' fdinfo.
func programsOf(pid int) []ebpf.ProgramID {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	seen := map[ebpf.ProgramID]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // closed meanwhile
		}
		for line := range strings.Lines(string(text)) {
			if v, ok := strings.CutPrefix(line, "prog_id:"); ok {
				if id, err := strconv.ParseUint(strings.TrimSpace(v), 10, 32); err == nil {
					seen[ebpf.ProgramID(id)] = true
				}
			}
		}
	}
	return slices.Collect(maps.Keys(seen))
}

// counted tells which programs are to count.
type counted func(*ebpf.ProgramInfo, *ebpf.ProgramStats) bool

// readFigures adds up the programs that are to count.
func readFigures(ids []ebpf.ProgramID, counts counted) (figures, error) {
	var f figures
	var total time.Duration
	for _, id := range ids {
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // it was only a probe of features
		}
		ran, err := f.add(p, counts)
		_ = p.Close()
		if err != nil {
			return f, err
		}
		total += ran
	}
	f.ns = float64(total.Nanoseconds()) / f.events
	return f, nil
}

// add counts a program in and returns how long it ran.
func (f *figures) add(p *ebpf.Program, counts counted) (time.Duration, error) {
	st, err := p.Stats()
	if err != nil {
		return 0, err
	}
	info, err := p.Info()
	if err != nil {
		return 0, err
	}
	if !counts(info, st) {
		return 0, nil
	}
	insns, err := info.Instructions()
	if err != nil {
		return 0, err
	}
	for _, in := range insns {
		f.insns++
		if in.OpCode.IsDWordLoad() {
			f.insns++
		}
		if in.OpCode.JumpOp() == asm.Call && in.OpCode.Class().IsJump() && in.Src != asm.PseudoCall {
			f.calls++
		}
	}
	f.events += float64(st.RunCount)
	return st.Runtime, nil
}

// endOf is when a load ends that lasts for args[0] seconds, or for one.
func endOf(args []string) time.Time {
	secs := 1.0
	if len(args) > 0 {
		secs, _ = strconv.ParseFloat(args[0], 64)
	}
	return time.Now().Add(time.Duration(secs * float64(time.Second)))
}

// load opens, reads and closes files, allocates, and hands a byte to and fro between two
// threads through pipes, for the given number of seconds.
func load(args []string) {
	end := endOf(args)
	r1, w1, _ := os.Pipe()
	r2, w2, _ := os.Pipe()
	go func() {
		buf := make([]byte, 1)
		for {
			if _, err := r1.Read(buf); err != nil {
				return
			}
			_, _ = w2.Write(buf)
		}
	}()
	buf := make([]byte, 64)
	one := []byte{1}
	for time.Now().Before(end) {
		for range 50 {
			if fd, err := syscall.Open("/etc/hostname", syscall.O_RDONLY, 0); err == nil {
				_, _ = syscall.Read(fd, buf)
				_ = syscall.Close(fd)
			}
			_, _ = syscall.Open("/nonexistent/file", syscall.O_RDONLY, 0)
		}
		_, _ = w1.Write(one)
		_, _ = r2.Read(one)
		_ = exec.Command("/bin/true").Run() // a libc program, for malloc
	}
}
