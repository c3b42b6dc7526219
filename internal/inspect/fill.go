package inspect

import (
	"errors"
	"slices"
	"time"
)

// Fills knows how full maps are, within a budget of time: counting the elements of
// thousands of maps, or of a huge one, takes longer than an interval. One goroutine uses it,
// that of its Reader.
type Fills struct {
	r     *Reader
	maps  map[uint32]*Fill
	round uint64
}

// Fill is a map and how full it was.
type Fill struct {
	*Map
	Entries Entries
	At      time.Time // of Entries; zero: not counted yet
	Err     error     // of counting
	wanted  uint64    // round
}

// NewFills makes a Fills that knows of no map yet.
func (r *Reader) NewFills() *Fills { return &Fills{r: r, maps: map[uint32]*Fill{}} }

// Update counts the maps of ids, those first whose numbers are oldest, until the budget is
// spent; what is left keeps its numbers. Maps that aren't asked for are forgotten.
func (f *Fills) Update(ids []uint32, budget time.Duration) { f.update(ids, budget, true) }

// Add is Update for those of the maps only that weren't counted yet.
func (f *Fills) Add(ids []uint32, budget time.Duration) { f.update(ids, budget, false) }

func (f *Fills) update(ids []uint32, budget time.Duration, again bool) {
	end := time.Now().Add(budget)
	f.round++
	var due []*Fill
	for _, id := range ids {
		m := f.maps[id]
		if m == nil {
			if time.Now().After(end) {
				continue
			}
			info, err := f.r.Map(id)
			if err != nil {
				continue // it went meanwhile
			}
			m = &Fill{Map: info}
			f.maps[id] = m
		}
		if m.wanted != f.round {
			m.wanted = f.round
			if again || m.At.IsZero() {
				due = append(due, m)
			}
		}
	}
	for id, m := range f.maps {
		if m.wanted != f.round {
			delete(f.maps, id)
		}
	}
	slices.SortStableFunc(due, func(a, b *Fill) int { return a.At.Compare(b.At) })
	for i, m := range due {
		left := time.Until(end)
		if left <= 0 && i > 0 {
			return
		}
		// A share for each that is left, so that a huge map doesn't take it all.
		share := max(left/time.Duration(len(due)-i), fillShare)
		e, err := f.r.CountEntries(m.Map, CountLimit{Elements: fillElements, Time: share})
		if errors.Is(err, ErrGone) {
			delete(f.maps, m.ID)
			continue
		}
		m.Entries, m.Err, m.At = e, err, time.Now()
	}
}

// A map is looked at for so long at least, and up to so many elements.
const (
	fillShare    = 2 * time.Millisecond
	fillElements = 1 << 20
)

// All are the maps of the last Update, copied.
func (f *Fills) All() map[uint32]Fill {
	out := make(map[uint32]Fill, len(f.maps))
	for id, m := range f.maps {
		out[id] = *m
	}
	return out
}

// Share is the used part of the room, 0 to 1. ok is false for maps that have no such
// number: arrays, whose elements are all there from the start, and what can't be counted.
func (f Fill) Share() (share float64, ok bool) {
	if f.At.IsZero() || f.Err != nil || !f.Entries.Known || f.Entries.Max == 0 || f.Type == mapArray || f.Type == mapPercpuArray {
		return 0, false
	}
	return float64(f.Entries.Used) / float64(f.Entries.Max), true
}
