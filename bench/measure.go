package main

import (
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// measured are a command's wall and CPU time in ms, and its peak memory in MiB.
type measured struct{ wall, cpu, mib float64 }

// best is the least that a command took in some runs.
func best(cmd []string, runs int) (m measured, err error) {
	if m.mib, err = peak(cmd); err != nil {
		return m, err
	}
	for i := range runs {
		wall, cpu, err := once(cmd)
		if err != nil {
			return m, err
		}
		if i == 0 || wall < m.wall {
			m.wall = wall
		}
		if i == 0 || cpu < m.cpu {
			m.cpu = cpu
		}
	}
	return m, nil
}

// peak is a command's peak memory in MiB. GNU time starts it: the kernel counts what a
// process had before it became the command, and time has next to nothing.
func peak(cmd []string) (float64, error) {
	c := exec.Command("time", append([]string{"-f", "%M"}, cmd...)...)
	var out strings.Builder
	c.Stderr = &out
	if err := c.Run(); err != nil {
		return 0, fmt.Errorf("run time %s: %w: %s", strings.Join(cmd, " "), err, out.String())
	}
	lines := strings.Fields(out.String())
	var kib float64
	if _, err := fmt.Sscan(lines[len(lines)-1], &kib); err != nil {
		return 0, fmt.Errorf("read peak memory of %s: %w", strings.Join(cmd, " "), err)
	}
	return kib / 1024, nil
}

// once runs a command and gives its wall time and its time on CPUs in ms.
func once(cmd []string) (wall, cpu float64, err error) {
	c := exec.Command(cmd[0], cmd[1:]...)
	begin := time.Now()
	if err := c.Run(); err != nil {
		return 0, 0, fmt.Errorf("run %s: %w", strings.Join(cmd, " "), err)
	}
	wall = ms(time.Since(begin))
	return wall, ms(c.ProcessState.UserTime() + c.ProcessState.SystemTime()), nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
