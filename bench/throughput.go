package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// lostLine is how both tools report events that they lost.
var lostLine = regexp.MustCompile(`(?i)lost (\d+) events`)

// throughput prints a line for each system call that the load makes, as fast as it can:
// how many lines arrive in a second. Only the load's are printed, since a tool that writes
// more often would be given more to print.
func (b *bench) throughput() error {
	name := filepath.Base(os.Args[0])
	name = name[:min(len(name), 15)] // TASK_COMM_LEN
	text := fmt.Sprintf(`tracepoint:raw_syscalls:sys_enter /comm == %q/ { printf("%%d %%s %%d\n", pid, comm, args.id); }`, name)
	fmt.Print("\n### Printing at full rate\n\n| tool | lines per second | reported lost |\n|---|---:|---:|\n")
	for _, t := range b.tools {
		var lines, lost []float64
		for range b.rounds {
			n, l, err := printed(append(t.cmd, "-e", text), name)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			lines, lost = append(lines, n/loadSeconds), append(lost, l)
		}
		fmt.Printf("| %s | %.0f | %.0f |\n", t.name, median(lines), median(lost))
	}
	return nil
}

// printed runs a tool with the load under it, and counts the lines that have the load's
// name, and the events that the tool says it lost.
func printed(cmd []string, name string) (lines, lost float64, err error) {
	out, err := os.CreateTemp("", "bench")
	if err != nil {
		return 0, 0, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	if err := underLoad(cmd, out, nil); err != nil {
		return 0, 0, err
	}
	data, err := os.ReadFile(out.Name())
	if err != nil {
		return 0, 0, err
	}
	for _, m := range lostLine.FindAllSubmatch(data, -1) {
		n, _ := strconv.ParseFloat(string(m[1]), 64)
		lost += n
	}
	return float64(bytes.Count(data, []byte(" "+name+" "))), lost, nil
}
