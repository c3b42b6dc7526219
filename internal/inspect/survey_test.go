package inspect

import (
	"slices"
	"testing"
	"time"
)

// hive is a survey with a program in each state: 1 is loaded and held, 2 attached by its
// process's perf event, 3 pinned and nothing else, 4 has a link whose interface is gone, 5 is
// attached to a cgroup and kept by that alone, 6 has a pinned link.
func hive() *Survey {
	bee := &Process{PID: 10, Comm: "bee"}
	wasp := &Process{PID: 20, Comm: "wasp"}
	s := &Survey{
		Progs: []*Prog{
			{ID: 1, Maps: []uint32{7}}, {ID: 2, Maps: []uint32{7, 8}}, {ID: 3, Maps: []uint32{8}}, {ID: 4}, {ID: 5}, {ID: 6},
		},
		Maps:  []*Map{{ID: 7}, {ID: 8}},
		Links: []*Link{{ID: 40, Prog: 4}, {ID: 60, Prog: 6}},
		Pins: []Pin{
			{Path: "/bpf/three", Kind: KindProg, ID: 3}, {Path: "/bpf/six", Kind: KindLink, ID: 60}, {Path: "/bpf/map", Kind: KindMap, ID: 3},
			{Path: "/bpf/broken", Err: ErrGone},
		},
		Points: []Point{
			{Prog: 2, Text: "kprobe f", PIDs: []int{20}}, {Prog: 4, Link: 40, Text: "xdp on (gone)", Detached: true},
			{Prog: 5, Text: "cgroup / egress"}, {Prog: 6, Link: 60, Text: "xdp on lo"},
		},
		Owners: newOwners([]Holding{
			{PID: 20, FD: 4, Kind: KindMap, ID: 7}, {PID: 20, FD: 3, Kind: KindProg, ID: 1}, {PID: 10, FD: 3, Kind: KindProg, ID: 1},
			{PID: 10, FD: 5, Kind: KindProg, ID: 1}, {PID: 10, FD: 4, Kind: KindLink, ID: 40},
		}, func(pid int) *Process { return map[int]*Process{10: bee, 20: wasp}[pid] }),
	}
	return s
}

func TestStates(t *testing.T) {
	s := hive()
	for _, c := range []struct {
		prog uint32
		ran  Runs
		want State
		pids []int
		pins []string
	}{
		{1, Runs{}, StateLoaded, []int{10, 20}, nil},
		{1, Runs{Count: 5}, StateRunning, []int{10, 20}, nil},
		{1, Runs{Count: 5, Misses: 2}, StateMissed, []int{10, 20}, nil},
		{1, Runs{Misses: 2}, StateMissed, []int{10, 20}, nil},
		{2, Runs{}, StateAttached, []int{20}, nil},
		{3, Runs{}, StatePinned, nil, []string{"/bpf/three"}},
		{4, Runs{}, StateDetached, []int{10}, nil},
		{5, Runs{}, StateAttached, nil, nil},
		{6, Runs{}, StateAttached, nil, []string{"/bpf/six"}},
		{9, Runs{}, StateLoaded, nil, nil},
	} {
		if got := s.State(c.prog, c.ran); got != c.want {
			t.Errorf("program %d: %s, want %s", c.prog, got, c.want)
		}
		k := s.Keeper(c.prog)
		var pids []int
		for _, p := range k.Processes {
			pids = append(pids, p.PID)
		}
		if !slices.Equal(pids, c.pids) || !slices.Equal(k.Pins, c.pins) {
			t.Errorf("program %d is kept by %v and %v, want %v and %v", c.prog, pids, k.Pins, c.pids, c.pins)
		}
	}
	var users []uint32
	for _, p := range s.MapUsers(8) {
		users = append(users, p.ID)
	}
	if !slices.Equal(users, []uint32{2, 3}) {
		t.Errorf("map 8 is used by %v", users)
	}
}

// TestNoOwners: a survey without owners still has states.
func TestNoOwners(t *testing.T) {
	s := hive()
	s.Owners = nil
	if got, k := s.State(2, Runs{}), s.Keeper(2); got != StateAttached || len(k.Processes) != 0 {
		t.Errorf("%s, kept by %v", got, k.Processes)
	}
}

func TestRuns(t *testing.T) {
	r := Runs{Count: 500, Time: time.Millisecond, Elapsed: 250 * time.Millisecond}
	if r.PerSecond() != 2000 || r.PerRun() != 2*time.Microsecond || r.CPU() != 0.4 {
		t.Errorf("%v runs a second, %v a run, %v%%", r.PerSecond(), r.PerRun(), r.CPU())
	}
	if none := (Runs{}); none.PerSecond() != 0 || none.PerRun() != 0 || none.CPU() != 0 {
		t.Errorf("%+v of nothing", none)
	}
}

func TestPointWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{netfilterPlace(&NetfilterLink{2, 0, -128, 0}), "netfilter ipv4 prerouting priority -128"},
		{netfilterPlace(&NetfilterLink{99, 9, 1, 0}), "netfilter family 99 9 priority 1"},
		{cgroupWord(1), "egress"}, {cgroupWord(10), "connect4"}, {cgroupWord(49), "unix_connect"}, {cgroupWord(43), "lsm_cgroup"},
		{PerfEventName(1, 0), "software cpu-clock"}, {PerfEventName(5, 0), "breakpoint 0"}, {PerfEventName(77, 3), "type 77 3"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
