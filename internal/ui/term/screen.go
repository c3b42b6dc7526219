package term

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/color"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect/show"
)

// Screen is the terminal of standard input and output, in its raw state and on its other
// page, until Close. One goroutine uses it.
type Screen struct {
	screen tcell.Screen
	events chan Event
	done   chan struct{}
}

// Event is a key that was pressed, a change of the terminal's size (Key ""), or the end of the
// terminal.
type Event struct {
	Err error // the terminal is gone
	// Key is the character, or "up", "down", "left", "right", "pgup", "pgdn", "home", "end",
	// "enter", "esc", "tab", "backtab", "backspace", "delete", "f1" …, "ctrl-c" …
	Key string
}

// Open takes the terminal over. The caller closes the screen, also when it panics.
func Open() (*Screen, error) {
	tcell.SetEncodingFallback(tcell.EncodingFallbackASCII)
	s, err := tcell.NewScreen()
	if err == nil {
		err = s.Init()
	}
	if err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	t := &Screen{screen: s, events: make(chan Event), done: make(chan struct{})}
	go t.translate()
	return t, nil
}

// Close gives the terminal back as it was.
func (s *Screen) Close() {
	select {
	case <-s.done:
		return
	default:
	}
	close(s.done)
	s.screen.Fini()
}

// Events are keys and changes of the size, until the terminal is gone or Close.
func (s *Screen) Events() <-chan Event { return s.events }

// Size is the terminal's number of columns and rows.
func (s *Screen) Size() (width, height int) { return s.screen.Size() }

// Unicode reports whether the terminal shows more than ASCII.
func (s *Screen) Unicode() bool { return s.screen.CharacterSet() == "UTF-8" }

// Redraw shows everything anew, for when something else wrote to the terminal.
func (s *Screen) Redraw() { s.screen.Sync() }

// Suspend gives the terminal back and stops the process as a shell's Ctrl-Z does; when it's
// continued, it takes the terminal over again.
func (s *Screen) Suspend() error {
	if err := s.screen.Suspend(); err != nil {
		return fmt.Errorf("give the terminal back: %w", err)
	}
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	if err := sys.StopJob(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	select {
	case <-continued:
	case <-time.After(stopTime): // nobody is there who could continue it, so the kernel doesn't stop it
	}
	if err := s.screen.Resume(); err != nil {
		return fmt.Errorf("take the terminal over: %w", err)
	}
	s.screen.Sync()
	return nil
}

// stopTime is how long it may take until the process stops.
const stopTime = 200 * time.Millisecond

// Show shows a grid; only what changed is sent.
func (s *Screen) Show(g *Grid) {
	unicode := s.Unicode()
	for y := range g.Height {
		for x := range g.Width {
			c := g.At(x, y)
			if !unicode {
				c.Rune = show.ASCII(c.Rune)
			}
			s.screen.SetContent(x, y, c.Rune, nil, style(c.Style))
		}
	}
	s.screen.Show()
}

var colors = [...]color.Color{
	Plain: color.Default, Red: color.Maroon, Green: color.Green, Yellow: color.Olive,
	Blue: color.Navy, Magenta: color.Purple, Cyan: color.Teal,
}

func style(s Style) tcell.Style {
	return tcell.StyleDefault.Foreground(colors[s.Color]).Bold(s.Bold).Dim(s.Dim).Reverse(s.Reverse).Underline(s.Line)
}

// translate passes events on until the screen is closed.
func (s *Screen) translate() {
	defer close(s.events)
	for ev := range s.screen.EventQ() {
		var e Event
		switch ev := ev.(type) {
		case *tcell.EventResize:
		case *tcell.EventError:
			e.Err = fmt.Errorf("read terminal: %w", ev)
		case *tcell.EventKey:
			if e.Key = keyName(ev); e.Key == "" {
				continue
			}
		default:
			continue
		}
		select {
		case s.events <- e:
		case <-s.done:
			return
		}
	}
}

var keyNames = map[tcell.Key]string{
	tcell.KeyUp: "up", tcell.KeyDown: "down", tcell.KeyLeft: "left", tcell.KeyRight: "right", tcell.KeyPgUp: "pgup", tcell.KeyPgDn: "pgdn",
	tcell.KeyHome: "home", tcell.KeyEnd: "end", tcell.KeyEnter: "enter", tcell.KeyEsc: "esc", tcell.KeyTab: "tab", tcell.KeyBacktab: "backtab",
	tcell.KeyBackspace: "backspace", tcell.KeyDelete: "delete",
	tcell.KeyF1: "f1", tcell.KeyF3: "f3", tcell.KeyF4: "f4", tcell.KeyF6: "f6", tcell.KeyF10: "f10",
	tcell.KeyCtrlB: "ctrl-b", tcell.KeyCtrlC: "ctrl-c", tcell.KeyCtrlD: "ctrl-d", tcell.KeyCtrlF: "ctrl-f",
	tcell.KeyCtrlL: "ctrl-l", tcell.KeyCtrlU: "ctrl-u", tcell.KeyCtrlN: "ctrl-n", tcell.KeyCtrlP: "ctrl-p",
	tcell.KeyCtrlZ: "ctrl-z",
}

// keyName is a key's name; "" for those that have none here.
func keyName(ev *tcell.EventKey) string {
	if name := keyNames[ev.Key()]; name != "" {
		if name == "tab" && ev.Modifiers()&tcell.ModShift != 0 {
			return "backtab"
		}
		return name
	}
	if ev.Key() == tcell.KeyRune && ev.Modifiers()&(tcell.ModCtrl|tcell.ModAlt|tcell.ModMeta) == 0 {
		return ev.Str()
	}
	return ""
}
