package main

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// start times scripts that end at once: the whole process, and its peak memory.
func (b *bench) start() error {
	scripts := []struct{ name, text string }{
		{"begin", `begin { exit(); }`},
		{"tracepoint", `tracepoint:sched:sched_switch { @[args.next_pid] = count(); } begin { exit(); }`},
		{"BTF-typed", `rawtracepoint:sched_switch { @[args.next.pid] = count(); } begin { exit(); }`},
	}
	fmt.Print("\n### Start to exit\n\n| script | tool | ms | MiB | ms / peer | MiB / peer |\n|---|---|---:|---:|---:|---:|\n")
	for _, s := range scripts {
		ms, mem := make([][]float64, len(b.tools)), make([][]float64, len(b.tools))
		for r := 0; r <= 3*b.rounds; r++ {
			for i, t := range b.tools {
				d, m, err := once(append(t.cmd, "-e", s.text))
				if err != nil && i == 0 {
					return fmt.Errorf("run %s: %w", t.name, err)
				}
				if r > 0 && err == nil { // the first warms the caches
					ms[i], mem[i] = append(ms[i], d), append(mem[i], m)
				}
			}
		}
		last := len(b.tools) - 1
		for i, t := range b.tools {
			if len(ms[i]) == 0 {
				fmt.Printf("| %s | %s | refused | | | |\n", s.name, t.name)
				continue
			}
			fmt.Printf("| %s | %s | %.1f | %.1f | %.3f | %.3f |\n", s.name, t.name, median(ms[i]), median(mem[i]),
				median(ms[i])/median(ms[last]), median(mem[i])/median(mem[last]))
		}
	}
	return nil
}

// once runs a command and gives its wall time in ms and its peak memory in MiB.
func once(cmd []string) (ms, mib float64, err error) {
	c := exec.Command(cmd[0], cmd[1:]...)
	begin := time.Now()
	if err := c.Run(); err != nil {
		return 0, 0, err
	}
	d := time.Since(begin)
	usage := c.ProcessState.SysUsage().(*syscall.Rusage)
	return float64(d.Microseconds()) / 1000, float64(usage.Maxrss) / 1024, nil
}
