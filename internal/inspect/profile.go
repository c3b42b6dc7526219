package inspect

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Profile samples which of its machine instructions a program is at, or waits at for a
// function of the kernel that it called. One goroutine uses it.
type Profile struct {
	r     *Reader
	watch *sys.CallWatch // nil: it's stopped
	spans []span         // of the program's functions, by address
	hits  map[uint64]int
	clock bool
}

// span is a piece of machine code.
type span struct{ from, to uint64 }

func (s span) has(addr uint64) bool { return addr >= s.from && addr < s.to }

// profileHertz is how often a second: no divisor of what timers do.
const profileHertz = 1999

// NewProfile is a profile of a program, stopped. The error wraps ErrHidden where the kernel
// doesn't tell where its machine code is.
func (r *Reader) NewProfile(c *Code) (*Profile, error) {
	p := &Profile{r: r, spans: c.spans(), hits: map[uint64]int{}}
	if len(p.spans) == 0 {
		return nil, fmt.Errorf("sample program %d: %w", c.Prog.ID, ErrHidden)
	}
	return p, nil
}

// Start begins or goes on to sample all CPUs (CAP_PERFMON). The caller stops it.
func (p *Profile) Start() error {
	if p.watch != nil {
		return nil
	}
	cpus, err := p.r.kernel.OnlineCPUs()
	if err != nil {
		return err
	}
	if p.watch, err = sys.WatchCalls(cpus, profileHertz); err != nil {
		return allowed(err)
	}
	p.clock = p.watch.Clock
	return nil
}

// Stop ends the sampling; the samples are kept.
func (p *Profile) Stop() error {
	if p.watch == nil {
		return nil
	}
	p.Read()
	w := p.watch
	p.watch = nil
	return w.Close()
}

// spans are where the program's functions are; none where the kernel hides that.
func (c *Code) spans() (out []span) {
	for i, from := range c.Ksyms {
		if i < len(c.Lens) && from != 0 {
			out = append(out, span{from, from + uint64(c.Lens[i])})
		}
	}
	slices.SortFunc(out, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	return out
}

// Read takes in what was sampled since it was last called. A CPU's buffer has room for some
// hundred samples.
func (p *Profile) Read() {
	if p.watch != nil {
		p.watch.Each(p.add)
	}
}

// add counts a sample: the innermost of the program's functions that it's in, if any. A caller
// goes on behind its call, so the byte before that is the call's.
func (p *Profile) add(frames []uint64) {
	for i, addr := range frames {
		if i > 0 {
			addr--
		}
		if slices.ContainsFunc(p.spans, func(s span) bool { return s.has(addr) }) {
			p.hits[addr]++
			return
		}
	}
}

// Hits are the samples so far.
func (p *Profile) Hits() *Hits { return NewHits(p.hits, p.clock) }

// Hits are the samples of a Profile.
type Hits struct {
	Total int
	Clock bool // by a timer, which doesn't see what runs with interrupts off
	at    []hit
}

type hit struct {
	addr uint64
	n    int
}

// NewHits are samples by address.
func NewHits(byAddr map[uint64]int, clock bool) *Hits {
	h := &Hits{Clock: clock}
	for addr, n := range byAddr {
		h.at = append(h.at, hit{addr, n})
		h.Total += n
	}
	slices.SortFunc(h.at, func(a, b hit) int { return cmp.Compare(a.addr, b.addr) })
	return h
}

// In is how many samples are in a piece of machine code, from an address to before another.
func (h *Hits) In(from, to uint64) (n int) {
	i, _ := slices.BinarySearchFunc(h.at, from, func(a hit, addr uint64) int { return cmp.Compare(a.addr, addr) })
	for ; i < len(h.at) && h.at[i].addr < to; i++ {
		n += h.at[i].n
	}
	return n
}
