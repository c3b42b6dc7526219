package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// attachMarker is the line that both tools print once all is attached, when the environment
// has a variable of that name.
const attachMarker = "__BPFTRACE_NOTIFY_PROBES_ATTACHED"

// attachScripts attach to one or many places. The first is what the others are compared
// with: a timer, which needs nothing of the machine's lists.
var attachScripts = []struct{ name, points string }{
	{"interval", "interval:s:99"},
	{"tracepoint", "tracepoint:sched:sched_switch"},
	{"tracepoint, 8", "tracepoint:sched:sched_wak*,tracepoint:sched:sched_process_*"},
	{"rawtracepoint", "rawtracepoint:sched_switch"},
	{"uprobe", "uprobe:libc:malloc"},
	{"uprobe, wildcard", "uprobe:libc:mem*"},
	{"kprobe", "kprobe:vfs_read"},
	{"kretprobe", "kretprobe:vfs_read"},
	{"kprobe:tcp_*", "kprobe:tcp_*"},
	{"fentry", "fentry:vfs_read"},
}

// attach times from the start of the process until everything is attached, and how much
// longer that is than for a timer.
func (b *bench) attach() error {
	fmt.Print("\n### Start to attached\n\n| probe | tool | ms | more than interval | ms / peer |\n|---|---|---:|---:|---:|\n")
	base := make([]float64, len(b.tools))
	for n, s := range attachScripts {
		ms := make([][]float64, len(b.tools))
		for r := 0; r <= b.rounds; r++ {
			for i, t := range b.tools {
				if len(t.cmd) == 0 {
					continue // -peer ""
				}
				d, err := untilAttached(append(t.cmd, "-e", s.points+" { @ = count(); }"))
				if n == 0 && i == 0 && err != nil {
					return fmt.Errorf("run %s: %w", t.name, err)
				}
				if r > 0 && err == nil { // the first warms the caches
					ms[i] = append(ms[i], d)
				}
			}
		}
		for i, t := range b.tools {
			switch {
			case len(t.cmd) == 0:
				continue
			case len(ms[i]) == 0:
				fmt.Printf("| %s | %s | refused | | |\n", s.name, t.name)
				continue
			case n == 0:
				base[i] = median(ms[i])
			}
			ratio := ""
			if peer := ms[len(ms)-1]; len(peer) > 0 {
				ratio = fmt.Sprintf("%.3f", median(ms[i])/median(peer))
			}
			fmt.Printf("| %s | %s | %.1f | %.1f | %s |\n", s.name, t.name, median(ms[i]), median(ms[i])-base[i], ratio)
		}
	}
	return nil
}

// errNotAttached: the command ended before.
var errNotAttached = errors.New("it ended without having attached")

// untilAttached runs a command until it says that it has attached, in ms.
func untilAttached(cmd []string) (ms float64, err error) {
	c := exec.Command(cmd[0], cmd[1:]...)
	c.Env = append(os.Environ(), attachMarker+"=1")
	out, err := c.StdoutPipe()
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := c.Start(); err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(out)
	for ms == 0 && lines.Scan() {
		if lines.Text() == attachMarker {
			ms = float64(time.Since(begin).Microseconds()) / 1000
			err = c.Process.Signal(syscall.SIGINT)
		}
	}
	_, rest := io.Copy(io.Discard, out)
	err = errors.Join(err, rest, c.Wait())
	if ms == 0 {
		err = errors.Join(errNotAttached, err)
	}
	return ms, err
}
