package top

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/show"
	"github.com/skep-bpf/skep/internal/ui/term"
)

// Config is what Run needs.
type Config struct {
	// Samples and Surveys are two readers of this machine: the numbers go on while a survey,
	// which takes longer with many programs, finds out who owns what.
	Samples, Surveys *inspect.Reader
	Interval         time.Duration
	Sort             string   // one of SortKeys
	Only             []uint32 // the programs to show; nil: all
	Running          bool     // show only those that run
	Count            int      // end after so many intervals; 0: don't
}

// update is what the readers tell the screen.
type update struct {
	sample *inspect.Sample
	fills  map[uint32]inspect.Fill
	facts  map[uint32]Fact
	detail *Detail
	heat   *Heat
	err    error // ends it
	panic  string
}

// failed is the error that an update brings; it goes on with a reader's panic.
func (u *update) failed() error {
	if u.panic != "" {
		panic(u.panic)
	}
	return u.err
}

// request is what the screen wants of the reader.
type request struct {
	interval time.Duration
	paused   bool
	maps     []uint32
	look     uint32        // program that is looked into; 0: none
	done     chan struct{} // closed when it's done; nil: nobody waits
}

// Times: the first interval is shorter, so that there are numbers soon; a survey takes at
// most a twentieth of the time; maps are counted for a part of an interval.
const (
	firstInterval = 300 * time.Millisecond
	surveyPause   = 5 * time.Second
	surveyShare   = 20
	fillBudget    = 60 * time.Millisecond
)

// Run takes the terminal over and shows programs until the user quits or ctx is done. It
// starts goroutines, which have ended when it returns; the terminal is as it was before, also
// after a panic.
func Run(ctx context.Context, c Config) (err error) {
	sampler, _, err := c.Samples.StartSampler()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sampler.Close()) }()
	screen, err := term.Open()
	if err != nil {
		return err
	}
	defer screen.Close()
	inner, cancel := context.WithCancel(ctx)
	updates, requests := make(chan update), make(chan request, 1)
	var wg sync.WaitGroup
	start := func(f func()) {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					send(inner, updates, update{panic: fmt.Sprintf("%v\n%s", v, debug.Stack())})
				}
			}()
			f()
		})
	}
	defer func() { cancel(); wg.Wait() }()
	start(func() { sample(inner, &c, sampler, requests, updates) })
	start(func() { survey(inner, &c, updates) })
	return display(ctx, &c, screen, requests, updates)
}

func send(ctx context.Context, updates chan<- update, u update) {
	select {
	case updates <- u:
	case <-ctx.Done():
	}
}

// display is the loop of the screen.
func display(ctx context.Context, c *Config, screen *term.Screen, requests chan request, updates <-chan update) error {
	m := New(c.Sort, c.Interval)
	m.Unicode, m.Only, m.running = screen.Unicode(), c.Only, c.Running
	grid := term.NewGrid(0, 0)
	for samples := 0; ; {
		grid.Resize(screen.Size())
		m.Draw(grid)
		screen.Show(grid)
		action := None
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-screen.Events():
			switch {
			case !ok || e.Err != nil:
				return e.Err
			case e.Key == "":
				screen.Redraw() // the size changed: another page of rows
				action = Restart
			default:
				action = m.Key(e.Key)
			}
		case u := <-updates:
			if err := u.failed(); err != nil {
				return err
			}
			if samples += m.take(u); c.Count > 0 && samples >= c.Count {
				return nil
			}
			action = Restart // other rows may be shown
		}
		switch action {
		case Quit:
			return nil
		case Redraw:
			screen.Redraw()
		case Restart:
			ask(requests, m.request())
		case Suspend:
			if err := suspend(ctx, m, screen, requests, updates); err != nil {
				return err
			}
		}
	}
}

// request is what the model wants of the reader.
func (m *Model) request() request {
	return request{interval: m.Interval, paused: m.Paused, maps: m.WantMaps(), look: m.looked()}
}

// suspend stops the process, with the statistics off meanwhile.
func suspend(ctx context.Context, m *Model, screen *term.Screen, requests chan request, updates <-chan update) error {
	r := m.request()
	r.paused, r.done = true, make(chan struct{})
	ask(requests, r)
	for waiting := true; waiting; {
		select {
		case <-ctx.Done():
			return nil
		case <-r.done:
			waiting = false
		case u := <-updates:
			if err := u.failed(); err != nil {
				return err
			}
			m.take(u)
		}
	}
	if err := screen.Suspend(); err != nil {
		return err
	}
	ask(requests, m.request())
	return nil
}

// ask puts a request in the place of one that hasn't been taken.
func ask(requests chan request, r request) {
	select {
	case <-requests:
	default:
	}
	requests <- r
}

// take takes an update in and returns how many intervals it ends.
func (m *Model) take(u update) int {
	if u.fills != nil {
		m.SetFills(u.fills)
	}
	if u.facts != nil {
		m.SetFacts(u.facts)
	}
	if u.detail != nil {
		m.SetDetail(u.detail)
	}
	if u.heat != nil {
		m.SetHeat(u.heat)
	}
	if u.sample == nil {
		return 0
	}
	m.Feed(u.sample)
	return 1
}

// sample reads counters each interval, and what else the screen wants.
func sample(ctx context.Context, c *Config, s *inspect.Sampler, requests <-chan request, updates chan<- update) {
	want := request{interval: c.Interval}
	fills := c.Samples.NewFills()
	look := &look{reader: c.Samples}
	defer look.close()
	timer := time.NewTimer(min(c.Interval, firstInterval))
	defer timer.Stop()
	began := time.Now()
	for {
		var u update
		select {
		case <-ctx.Done():
			return
		case r := <-requests:
			u = want.change(r, s, fills, look, timer, began)
			want = r
			if r.done != nil {
				close(r.done)
			}
		case <-look.drain():
			look.read()
		case <-timer.C:
			began = time.Now()
			if u.sample, u.err = s.Sample(); u.err == nil && len(want.maps) > 0 {
				fills.Update(want.maps, min(fillBudget, want.interval/4))
				u.fills = fills.All()
			}
			look.read()
			u.heat = look.heat()
			// The interval counts from the start, so that reading doesn't stretch it.
			timer.Reset(max(time.Until(began.Add(want.interval)), want.interval/4))
		}
		if u.sample != nil || u.fills != nil || u.detail != nil || u.heat != nil || u.err != nil {
			send(ctx, updates, u)
		}
	}
}

// change does what a new request needs at once.
func (old *request) change(r request, s *inspect.Sampler, fills *inspect.Fills, look *look, timer *time.Timer, began time.Time) (u update) {
	switch {
	case r.paused && !old.paused:
		timer.Stop()
		u.err = s.Pause()
	case !r.paused && old.paused:
		u.err = s.Resume()
		timer.Reset(r.interval)
	case !r.paused && r.interval != old.interval:
		timer.Reset(max(0, time.Until(began.Add(r.interval))))
	}
	if r.look != old.look || r.paused != old.paused {
		if r.look != old.look {
			u.detail = look.into(r.look)
		}
		look.sample(!r.paused)
		u.heat = look.heat()
	}
	if len(r.maps) > 0 && !slices.Equal(r.maps, old.maps) {
		fills.Add(r.maps, min(fillBudget, r.interval/4))
		u.fills = fills.All()
	}
	return u
}

// survey finds out who owns what, again and again.
func survey(ctx context.Context, c *Config, updates chan<- update) {
	for {
		began := time.Now()
		if s, err := c.Surveys.Survey(); err == nil {
			send(ctx, updates, update{facts: Facts(s)})
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(surveyPause, surveyShare*time.Since(began))):
		}
	}
}

// Facts are a survey's facts of all programs.
func Facts(s *inspect.Survey) map[uint32]Fact {
	facts := make(map[uint32]Fact, len(s.Progs))
	for _, g := range s.Progs {
		facts[g.ID] = Fact{
			Owner: show.OwnerText(s.Keeper(g.ID)), Points: show.PointsText(g, s.PointsOf(g.ID)), State: string(s.State(g.ID, inspect.Runs{})),
		}
	}
	return facts
}
