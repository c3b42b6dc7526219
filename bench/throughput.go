package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"

	"github.com/cilium/ebpf"
)

// lostLine is how both tools report events that they lost.
var lostLine = regexp.MustCompile(`(?i)lost (\d+) events`)

// throughput prints one line a syscall at full rate: how many of the fired events arrived.
func (b *bench) throughput() error {
	stats, err := ebpf.EnableStats(0) // BPF_STATS_RUN_TIME, which counts what was fired
	if err != nil {
		return fmt.Errorf("enable BPF statistics: %w", err)
	}
	defer stats.Close()
	const text = `tracepoint:raw_syscalls:sys_enter { printf("%d %s %d\n", pid, comm, args.id); }`
	fmt.Print("\n### Printing at full rate\n\n| tool | fired | printed | reported lost | printed / fired |\n|---|---:|---:|---:|---:|\n")
	for _, t := range b.tools {
		var best struct{ fired, printed, lost float64 }
		for range b.rounds {
			out, err := os.CreateTemp("", "bench")
			if err != nil {
				return err
			}
			f, err := measure(append(t.cmd, "-e", text), out)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			data, err := os.ReadFile(out.Name())
			_ = out.Close()
			_ = os.Remove(out.Name())
			if err != nil {
				return err
			}
			lost := 0.0
			for _, m := range lostLine.FindAllSubmatch(data, -1) {
				n, _ := strconv.ParseFloat(string(m[1]), 64)
				lost += n
			}
			printed := float64(bytes.Count(data, []byte{'\n'}))
			if printed > best.printed {
				best.fired, best.printed, best.lost = f.events, printed, lost
			}
		}
		fmt.Printf("| %s | %.0f | %.0f | %.0f | %.3f |\n", t.name, best.fired, best.printed, best.lost, best.printed/best.fired)
	}
	return nil
}
