package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
)

// toolSeconds is how long the load of scripts from files runs.
const toolSeconds = 3

// scriptFiles compares what the kernel counts for the scripts of a folder. The time is told of
// those that both tools had events for.
func (b *bench) scriptFiles() error {
	stats, err := ebpf.EnableStats(0) // BPF_STATS_RUN_TIME
	if err != nil {
		return fmt.Errorf("enable BPF statistics: %w", err)
	}
	defer stats.Close()
	paths, err := filepath.Glob(filepath.Join(b.folder, "*.bt"))
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return fmt.Errorf("no scripts in %q (-scripts)", b.folder)
	}
	fmt.Print("\n### Scripts\n\n| script | instructions | peer | ratio | helper calls | peer | events | ns / peer |\n|---|---:|---:|---:|---:|---:|---:|---:|\n")
	var insnRatios, nsRatios []float64
	var refused []string
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".bt")
		if !strings.Contains(name, b.only) {
			continue
		}
		ours, oursErr := loaded(b.tools[0], path)
		peer, peerErr := loaded(b.tools[1], path)
		err := errors.Join(oursErr, peerErr)
		if err == nil && (ours.insns == 0 || peer.insns == 0) {
			err = errors.New("nothing attached but begin and end")
		}
		if err != nil {
			refused = append(refused, fmt.Sprintf("%s: %s", name, strings.Join(strings.Fields(err.Error()), " ")))
			continue
		}
		ratio := "-"
		if ours.events >= 100 && peer.events >= 100 {
			ratio = fmt.Sprintf("%.2f", ours.ns/peer.ns)
			nsRatios = append(nsRatios, ours.ns/peer.ns)
		}
		insnRatios = append(insnRatios, ours.insns/peer.insns)
		fmt.Printf("| %s | %.0f | %.0f | %.2f | %.0f | %.0f | %.0f | %s |\n", name, ours.insns, peer.insns, ours.insns/peer.insns,
			ours.calls, peer.calls, ours.events, ratio)
	}
	fmt.Printf("\nGeometric mean: %.3f of the peer's instructions over %d scripts, %.3f of its time over %d.\n",
		geomean(insnRatios), len(insnRatios), geomean(nsRatios), len(nsRatios))
	for _, line := range refused {
		fmt.Fprintln(os.Stderr, "bench: left out:", line)
	}
	return nil
}

// loaded runs a script of a file under the load and reads what its programs cost, without
// those that run once.
func loaded(t tool, path string) (figures, error) {
	var f figures
	err := underLoad(append(t.cmd, path), []string{"busy", strconv.Itoa(toolSeconds)}, nil, func(pid int) (err error) {
		f, err = readFigures(programsOf(pid), func(p *ebpf.ProgramInfo, _ *ebpf.ProgramStats) bool {
			name := strings.ToLower(p.Name)
			return !strings.HasPrefix(name, "begin") && !strings.HasPrefix(name, "end")
		})
		return err
	})
	if err != nil {
		return f, fmt.Errorf("%s: %w", t.name, err)
	}
	return f, nil
}

// busy does, for the given number of seconds, what tracing scripts look at: it opens, reads,
// writes and syncs files, connects on loopback, starts processes, sleeps, signals itself.
func busy(args []string) {
	end := endOf(args)
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	defer os.RemoveAll(dir)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	defer listener.Close()
	go echo(listener)
	for time.Now().Before(end) {
		files(dir)
		connections(listener.Addr().String())
		_ = exec.Command("/bin/true").Run()
		_ = exec.Command("getent", "hosts", "localhost").Run()
		_ = syscall.Kill(os.Getpid(), 0)
		_ = syscall.Setuid(syscall.Getuid())
		time.Sleep(time.Millisecond)
	}
}

// files writes, syncs, reads back and deletes files, and looks for some that aren't there.
func files(dir string) {
	name := filepath.Join(dir, "file")
	if f, err := os.Create(name); err == nil {
		_, _ = f.Write(make([]byte, 64<<10))
		_ = f.Sync()
		_ = f.Close()
	}
	syscall.Sync()
	for range 20 {
		_, _ = os.ReadFile(name)
		_, _ = os.Stat(filepath.Join(dir, "absent"))
	}
	_ = os.Remove(name)
}

// echo answers each connection with what it sent.
func echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_, _ = io.Copy(c, c)
		}()
	}
}

// connections makes some that carry a few bytes, and one that is refused.
func connections(address string) {
	for range 10 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			continue
		}
		_, _ = c.Write(make([]byte, 4096))
		_, _ = io.ReadFull(c, make([]byte, 4096))
		_ = c.Close()
	}
	if c, err := net.Dial("tcp", "127.0.0.1:1"); err == nil {
		_ = c.Close()
	}
}
