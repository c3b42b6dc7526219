package main

import "fmt"

// start times scripts that end at once: the whole process, and its peak memory.
func (b *bench) start() error {
	scripts := []struct{ name, text string }{
		{"begin", `begin { exit(); }`},
		{"tracepoint", `tracepoint:sched:sched_switch { @[args.next_pid] = count(); } begin { exit(); }`},
		{"BTF-typed", `rawtracepoint:sched_switch { @[args.next.pid] = count(); } begin { exit(); }`},
	}
	fmt.Print("\n### Start to exit\n\n| script | tool | ms | MiB | ms / peer | MiB / peer |\n|---|---|---:|---:|---:|---:|\n")
	for _, s := range scripts {
		took, mem := make([][]float64, len(b.tools)), make([][]float64, len(b.tools))
		for r := 0; r <= 3*b.rounds; r++ {
			for i, t := range b.tools {
				cmd := append(t.cmd, "-e", s.text)
				d, _, err := once(cmd)
				var m float64
				if err == nil {
					m, err = peak(cmd)
				}
				if err != nil && i == 0 {
					return fmt.Errorf("run %s: %w", t.name, err)
				}
				if r > 0 && err == nil { // the first warms the caches
					took[i], mem[i] = append(took[i], d), append(mem[i], m)
				}
			}
		}
		last := len(b.tools) - 1
		for i, t := range b.tools {
			if len(took[i]) == 0 {
				fmt.Printf("| %s | %s | refused | | | |\n", s.name, t.name)
				continue
			}
			fmt.Printf("| %s | %s | %.1f | %.1f | %.3f | %.3f |\n", s.name, t.name, median(took[i]), median(mem[i]),
				median(took[i])/median(took[last]), median(mem[i])/median(mem[last]))
		}
	}
	return nil
}
