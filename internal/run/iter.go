package run

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
)

// iterators calls f with the index and the point of each iterator.
func (r *runner) iterators(f func(prog int, pt *object.Point) error) error {
	for i, p := range r.Object.Programs {
		if len(p.Points) == 0 || p.Points[0].Kind != "iter" {
			continue
		}
		if err := f(i, &p.Points[0]); err != nil {
			return err
		}
	}
	return nil
}

// sayPinned tells where iterators were pinned.
func (r *runner) sayPinned() {
	_ = r.iterators(func(_ int, pt *object.Point) error {
		if pt.Pin != "" {
			r.Sink.Printf(fmt.Appendf(nil, "Program pinned to %s\n", pt.Pin))
		}
		return nil
	})
}

// iterate runs the iterators to their ends, in the script's order, and returns how many
// there are, pinned ones among them. What they send is handled as they go. An exit() of
// theirs, or the end of the command of -c, ends the session when they have all been run, as
// bpftrace has it.
func (r *runner) iterate() (n int, err error) {
	it, can := r.s.(engine.Iterator)
	exits := false
	err = r.iterators(func(prog int, pt *object.Point) error {
		n++
		for more := can && pt.Pin == ""; more && !r.watch.interrupted(); {
			var err error
			if more, err = it.Iterate(prog); err != nil {
				return err
			}
			if err := r.drain(); err != nil {
				return err
			}
			for r.ended {
				exits, r.ended = true, false
				if err := r.drain(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	r.ended = r.ended || exits
	return n, err
}
