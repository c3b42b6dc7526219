package run

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/sym"
)

// Unwinder tells how the stacks of a process are unwound; a *sym.Symbolizer does.
type Unwinder interface {
	Unwind(pid uint32) []sym.Unwinding
	// UnwindFile reads ahead what the program at an absolute path will map.
	UnwindFile(path string) [][]exe.UnwindRow
}

// unwinder keeps the object's tables for dw_ustack up to date.
type unwinder struct {
	*runner
	from   Unwinder
	pids   []*unwindPid
	files  map[*exe.UnwindRow][2]uint32 // rows by the first of them: where in the table, how many
	used   uint32                       // of the table of rules
	linked int                          // files that the command links
}

// unwindPid is a process in the tables. Its mappings are in one half of its slot; a change is written to
// the other one, so that programs see all of it or nothing.
type unwindPid struct {
	pid    uint32
	half   uint32
	have   []sym.Unwinding
	warned bool
}

// startUnwinding makes the tables of the processes that are there.
func (r *runner) startUnwinding() error {
	if r.Object.Unwind == nil {
		return nil
	}
	from, ok := r.Names.(Unwinder)
	if !ok {
		return fmt.Errorf("dw_ustack: this session knows nothing of processes")
	}
	r.unwind = &unwinder{runner: r, from: from, files: map[*exe.UnwindRow][2]uint32{}}
	pids := r.UnwindPids
	if r.Pid != 0 {
		pids = append(pids, r.Pid)
	}
	if r.Child != nil {
		pids = append(pids, r.Child.Pid())
	}
	slices.Sort(pids)
	pids = slices.Compact(pids)
	if len(pids) > object.UnwindPids {
		return fmt.Errorf("dw_ustack: %d processes, at most %d have room", len(pids), object.UnwindPids)
	}
	for _, pid := range pids {
		r.unwind.pids = append(r.unwind.pids, &unwindPid{pid: uint32(pid)})
	}
	if r.Child == nil {
		err := r.unwind.update()
		for _, p := range r.unwind.pids {
			if len(p.have) == 0 && r.Options.Warnf != nil {
				r.Options.Warnf("dw_ustack: process %d has no unwind information: its stacks are taken by frame pointers", p.pid)
			}
		}
		return err
	}
	// It's no program yet. What takes time is done before it begins.
	path, err := filepath.Abs(r.Child.path)
	if err != nil {
		return fmt.Errorf("find command: %w", err)
	}
	linked := from.UnwindFile(path)
	r.unwind.linked = len(linked)
	for _, rows := range linked {
		if _, _, err := r.unwind.rules(rows); err != nil {
			return fmt.Errorf("write unwinding tables: %w", err)
		}
	}
	return nil
}

// Times of settle.
const (
	settleStep = 250 * time.Microsecond
	settleFor  = 500 * time.Millisecond
	settled    = 20 // looks without a change
)

// settle follows a program that has just begun until it has mapped the files that it links,
// and nothing more for some looks. done ends it, as the program's end.
func (u *unwinder) settle(done <-chan struct{}) error {
	if u == nil {
		return nil
	}
	step := time.NewTicker(settleStep)
	defer step.Stop()
	end := time.After(settleFor)
	for same := 0; same < settled || u.count() < u.linked; {
		before := u.count()
		if err := u.update(); err != nil {
			return err
		}
		if same++; u.count() != before {
			same = 0
		}
		select {
		case <-step.C:
		case <-end:
			return nil
		case <-done:
			return nil
		}
	}
	return nil
}

// count is the number of mappings known.
func (u *unwinder) count() int {
	n := 0
	for _, p := range u.pids {
		n += len(p.have)
	}
	return n
}

// update looks what the processes have mapped, and changes the tables.
func (u *unwinder) update() error {
	if u == nil {
		return nil
	}
	for slot, p := range u.pids {
		now := u.from.Unwind(p.pid)
		if len(now) == 0 || slices.EqualFunc(now, p.have, sameUnwinding) {
			continue // one that ended leaves events behind
		}
		p.have = now
		if err := u.write(uint32(slot), p); err != nil {
			return fmt.Errorf("write unwinding tables: %w", err)
		}
	}
	return nil
}

func sameUnwinding(a, b sym.Unwinding) bool {
	return a.Start == b.Start && a.End == b.End && a.Bias == b.Bias && &a.Rows[0] == &b.Rows[0]
}

// write writes a process's mappings.
func (u *unwinder) write(slot uint32, p *unwindPid) error {
	order, t := binary.NativeEndian, u.Object.Unwind
	const most = object.UnwindSlot / 2
	list := p.have
	if len(list) > most {
		list = list[:most]
		u.warn(p, fmt.Sprintf("process %d has %d mappings, more than fit", p.pid, len(p.have)))
	}
	p.half ^= 1
	first := slot*object.UnwindSlot + p.half*most
	n := uint32(0)
	for i := range list {
		m := &list[i]
		at, count, err := u.rules(m.Rows)
		if err != nil {
			return err
		}
		if count == 0 {
			u.warn(p, "the tables are full")
			continue
		}
		e := make([]byte, object.UnwindMappingSize)
		order.PutUint64(e[object.UnwindMappingStart:], m.Start)
		order.PutUint64(e[object.UnwindMappingEnd:], m.End)
		order.PutUint64(e[object.UnwindMappingBias:], m.Bias)
		order.PutUint32(e[object.UnwindMappingFirst:], at)
		order.PutUint32(e[object.UnwindMappingCount:], count)
		if err := u.s.Map(t.Mappings).Update(order.AppendUint32(nil, first+n), e); err != nil {
			return err
		}
		n++
	}
	e := make([]byte, object.UnwindPidSize)
	order.PutUint32(e[object.UnwindPidFirst:], first)
	order.PutUint32(e[object.UnwindPidCount:], n)
	return u.s.Map(t.Pids).Update(order.AppendUint32(nil, p.pid), e)
}

func (u *unwinder) warn(p *unwindPid, text string) {
	if !p.warned && u.Options.Warnf != nil {
		u.Options.Warnf("dw_ustack: %s: some stacks end early", text)
	}
	p.warned = true
}

// rules writes a file's rows, once. count is 0 when there's no room for them.
func (u *unwinder) rules(rows []exe.UnwindRow) (at, count uint32, err error) {
	if have, ok := u.files[&rows[0]]; ok {
		return have[0], have[1], nil
	}
	n := uint32(len(rows))
	if n > object.UnwindRules-u.used {
		return 0, 0, nil
	}
	order, table := binary.NativeEndian, u.s.Map(u.Object.Unwind.Rules)
	key, e := make([]byte, 4), make([]byte, object.UnwindRuleSize)
	for i := range rows {
		r := &rows[i]
		order.PutUint32(key, u.used+uint32(i))
		order.PutUint64(e[object.UnwindRuleAddr:], r.Addr)
		e[object.UnwindRuleCFA], e[object.UnwindRuleSaved] = byte(r.CFA), 0
		if r.Saved {
			e[object.UnwindRuleSaved] = 1
		}
		order.PutUint16(e[object.UnwindRuleAt:], uint16(r.SavedAt))
		order.PutUint32(e[object.UnwindRuleOffset:], uint32(r.Offset))
		if err := table.Update(key, e); err != nil {
			return 0, 0, err
		}
	}
	at = u.used
	u.used += n
	u.files[&rows[0]] = [2]uint32{at, n}
	return at, n, nil
}
