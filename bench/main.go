// Command bench compares skep with another tracer that takes bpftrace's command line, in
// one run on one machine: start, time to attach, cost per event, throughput, and (beside bpftool) lists of programs. It prints the tables of
// docs/performance.md.
//
//	go build -o skep ./cmd/skep && go run ./bench -peer 'bpftrace'
//	go run ./bench -what list -skep ./skep -peer bpftool
//
// As root. A load runs in this process's children on loopback and /etc only.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

func main() {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "load":
		load(os.Args[2:])
		return
	case len(os.Args) > 1 && os.Args[1] == "busy":
		busy(os.Args[2:])
		return
	case len(os.Args) > 1 && os.Args[1] == "spin":
		spin(os.Args[2:])
		return
	}
	ours := flag.String("skep", "./skep bpftrace", "command of skep")
	peer := flag.String("peer", "bpftrace", "command to compare with")
	what := flag.String("what", "start,attach,cost,throughput", "tables to make, separated by commas; also list, and scripts for those of a folder")
	folder := flag.String("scripts", "", "scripts: folder of .bt files")
	only := flag.String("only", "", "cost, scripts: those whose name holds this")
	rounds := flag.Int("rounds", 3, "rounds; the median counts")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "bench: unexpected argument", flag.Arg(0))
		os.Exit(2)
	}
	b := &bench{tools: []tool{{"skep", strings.Fields(*ours)}, {"peer", strings.Fields(*peer)}}, rounds: *rounds, only: *only, folder: *folder}
	tables := map[string]func() error{"start": b.start, "attach": b.attach, "cost": b.cost, "throughput": b.throughput, "scripts": b.scriptFiles, "list": b.list}
	for name := range strings.SplitSeq(*what, ",") {
		table, ok := tables[name]
		if !ok {
			fmt.Fprintf(os.Stderr, "bench: no table %q\n", name)
			os.Exit(2)
		}
		if err := table(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
}

// tool is a tracer under test.
type tool struct {
	name string
	cmd  []string
}

type bench struct {
	tools  []tool
	rounds int
	only   string
	folder string
}

func median(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	s := slices.Clone(xs)
	slices.Sort(s)
	return s[len(s)/2]
}

func geomean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += math.Log(x)
	}
	return math.Exp(sum / float64(len(xs)))
}
