package top

import (
	"fmt"
	"slices"
	"time"

	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/show"
)

// Detail is a program's instructions, for the view of one program.
type Detail struct {
	ID                    uint32
	Xlated, Machine       []show.ListingLine
	XlatedErr, MachineErr error // why these lists are empty
}

// Heat is where a program spends its time, or why that isn't known.
type Heat struct {
	ID uint32
	*inspect.Hits
	Err error
}

// look is the program that is looked into, and the sampling of where it spends its time. The
// goroutine that reads samples has it.
type look struct {
	reader  *inspect.Reader
	id      uint32           // 0: none
	profile *inspect.Profile // nil: it isn't sampled
	err     error            // why
	ticker  *time.Ticker     // while it's sampled
}

// drainEvery is how often the buffers of samples are emptied, which have room for more.
const drainEvery = 50 * time.Millisecond

// into looks into another program, and no more into the one before; 0: into none.
func (l *look) into(id uint32) *Detail {
	l.close()
	if l.id = id; id == 0 {
		return nil
	}
	code, err := codeOf(l.reader, id)
	if err != nil {
		l.err = err
		return &Detail{ID: id, XlatedErr: err, MachineErr: err}
	}
	l.profile, l.err = l.reader.NewProfile(code)
	return listed(l.reader, code)
}

// listed is a program's instructions.
func listed(r *inspect.Reader, code *inspect.Code) *Detail {
	d := &Detail{ID: code.Prog.ID}
	if insns, err := r.XlatedInsns(code); err != nil {
		d.XlatedErr = err
	} else {
		d.Xlated = slices.Collect(show.XlatedLines(code, insns, show.ListingOptions{}))
	}
	funcs, err := r.JitedFuncs(code)
	d.MachineErr = err
	for i := range funcs {
		d.Machine = slices.AppendSeq(d.Machine, show.JitedLines(&funcs[i], show.ListingOptions{}))
	}
	return d
}

func codeOf(r *inspect.Reader, id uint32) (*inspect.Code, error) {
	objs, err := r.Open(inspect.KindProg, inspect.Selector{By: "id", Value: fmt.Sprint(id)}, false)
	if err != nil {
		return nil, err
	}
	defer inspect.CloseAll(objs)
	return r.Code(objs[0].FD)
}

// sample goes on to sample the program, or stops.
func (l *look) sample(on bool) {
	switch {
	case !on:
		l.stop()
	case l.profile != nil && l.ticker == nil:
		if l.err = l.profile.Start(); l.err != nil {
			l.profile = nil
			return
		}
		l.ticker = time.NewTicker(drainEvery)
	}
}

// drain tells when buffers are to be emptied.
func (l *look) drain() <-chan time.Time {
	if l.ticker == nil {
		return nil
	}
	return l.ticker.C
}

// read empties the buffers.
func (l *look) read() {
	if l.profile != nil {
		l.profile.Read()
	}
}

// heat is what there is; nil: no program is looked into.
func (l *look) heat() *Heat {
	switch {
	case l.profile != nil:
		return &Heat{ID: l.id, Hits: l.profile.Hits()}
	case l.err != nil:
		return &Heat{ID: l.id, Err: l.err}
	}
	return nil
}

func (l *look) stop() {
	if l.ticker != nil {
		l.ticker.Stop()
		l.ticker = nil
		l.profile.Stop() // an event that can't be closed is gone already
	}
}

func (l *look) close() {
	l.stop()
	l.id, l.profile, l.err = 0, nil, nil
}
