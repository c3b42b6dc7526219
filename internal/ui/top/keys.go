package top

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Action is what a key wants of the loop, besides drawing.
type Action uint8

// The actions.
const (
	None    Action = iota
	Quit           // end
	Restart        // the interval, the pause or what is wanted changed
	Redraw         // show everything anew
	Suspend        // stop the process, until it's continued
)

// intervals are the steps of + and -.
var intervals = []time.Duration{
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute,
}

// Key takes a key by its name (term.Event).
func (m *Model) Key(key string) Action {
	m.message = ""
	switch key {
	case "ctrl-c", "f10":
		return Quit
	case "ctrl-l":
		return Redraw
	case "ctrl-z":
		return Suspend
	}
	if m.prompt.what != promptNone {
		return m.promptKey(key)
	}
	switch key {
	case "p", " ":
		m.Paused = !m.Paused
		return Restart
	case "+", "=":
		return m.step(1)
	case "-":
		return m.step(-1)
	case "d":
		m.prompt = prompt{what: promptInterval}
		return None
	case "h", "?", "f1":
		if m.mode != modeHelp {
			m.back, m.mode, m.scroll = m.mode, modeHelp, 0
			return None
		}
	}
	if m.mode == modeList {
		return m.listKey(key)
	}
	return m.documentKey(key)
}

// step changes the interval to the next one of intervals.
func (m *Model) step(by int) Action {
	i, found := slices.BinarySearch(intervals, m.Interval)
	if by > 0 && found {
		i++
	} else if by < 0 {
		i--
	}
	m.Interval = intervals[max(0, min(i, len(intervals)-1))]
	return Restart
}

func (m *Model) listKey(key string) Action {
	if i := columnByLetter(key); i >= 0 && key == strings.ToUpper(key) {
		return m.sortColumn(i)
	}
	page := max(1, m.page)
	switch key {
	case "q":
		return Quit
	case "esc":
		if m.filter == "" {
			return Quit
		}
		m.filter = ""
		m.arrange()
	case "up", "k", "ctrl-p":
		return m.move(m.cursor - 1)
	case "down", "j", "ctrl-n":
		return m.move(m.cursor + 1)
	case "pgup", "ctrl-b":
		return m.move(m.cursor - page)
	case "pgdn", "ctrl-f":
		return m.move(m.cursor + page)
	case "ctrl-u":
		return m.move(m.cursor - page/2)
	case "ctrl-d":
		return m.move(m.cursor + page/2)
	case "home", "g":
		m.follow = false // the first row is looked at, whatever is there
		m.moveTo(0)
		return Restart
	case "end", "G":
		return m.move(len(m.rows) - 1)
	case "enter", "right", "l":
		if len(m.rows) > 0 {
			m.mode, m.scroll, m.detail, m.heat, m.gone, m.head = modeDetail, 0, nil, nil, nil, 0
			return Restart
		}
	case "s", "f6":
		m.prompt = prompt{what: promptSort}
	case "<":
		return m.sortColumn(nextColumn(m.sortBy, -1))
	case ">":
		return m.sortColumn(nextColumn(m.sortBy, 1))
	case "P": // as in top
		return m.sortColumn(columnByKey("cpu"))
	case "r":
		m.reverse = !m.reverse
		m.arrange()
		return Restart
	case "i":
		m.running = !m.running
		m.arrange()
		return Restart
	case "/", "f3", "f4":
		m.prompt = prompt{what: promptFilter, text: m.filter}
	}
	return None
}

// move selects a row; from then on the selection stays with its program.
func (m *Model) move(row int) Action {
	m.moveTo(row)
	m.follow = true
	return Restart
}

func (m *Model) sortColumn(i int) Action {
	m.sortBy, m.reverse = i, false
	m.arrange()
	return Restart
}

// documentKey is for the views that scroll: of one program, and help.
func (m *Model) documentKey(key string) Action {
	page := max(1, m.page)
	switch key {
	case "q", "esc", "left", "backspace":
		if m.mode == modeHelp {
			m.mode, m.scroll = m.back, 0
			return None
		}
		m.mode, m.detail, m.follow = modeList, nil, true
		m.arrange()
		return Restart
	case "up", "k", "ctrl-p":
		m.scroll--
	case "down", "j", "enter", "ctrl-n":
		m.scroll++
	case "pgup", "ctrl-b":
		m.scroll -= page
	case "pgdn", "ctrl-f":
		m.scroll += page
	case "ctrl-u":
		m.scroll -= page / 2
	case "ctrl-d":
		m.scroll += page / 2
	case "home", "g":
		m.scroll = 0
	case "end", "G":
		m.scroll = m.docLen
	case "tab":
		m.scroll = m.section(1)
	case "backtab":
		m.scroll = m.section(-1)
	}
	m.scroll = max(0, min(m.scroll, m.docLen-page))
	return None
}

// section is where the next or the previous section of the document starts.
func (m *Model) section(step int) int {
	if step > 0 {
		for _, at := range m.starts {
			if at > m.scroll && m.scroll < m.docLen-m.page { // not at the end yet
				return at
			}
		}
		return 0
	}
	for _, at := range slices.Backward(m.starts) {
		if at < m.scroll {
			return at
		}
	}
	return 0
}

func (m *Model) promptKey(key string) Action {
	p := &m.prompt
	switch {
	case p.what == promptSort:
		m.prompt = prompt{}
		if i := columnByLetter(key); i >= 0 {
			return m.sortColumn(i)
		}
		if key != "esc" {
			m.message = "there is no such column"
		}
		return None
	case key == "esc":
		if p.what == promptFilter {
			m.filter = ""
		}
		m.prompt = prompt{}
	case key == "enter":
		return m.entered()
	case key == "backspace":
		if r := []rune(p.text); len(r) > 0 {
			p.text = string(r[:len(r)-1])
		}
	case key == "ctrl-u":
		p.text = ""
	case len([]rune(key)) == 1:
		p.text += key
	}
	if m.prompt.what == promptFilter {
		m.filter = m.prompt.text // as it's typed
	}
	m.arrange()
	return Restart
}

// entered takes the prompt's text.
func (m *Model) entered() Action {
	p := m.prompt
	m.prompt = prompt{}
	if p.what == promptFilter {
		m.filter = p.text
		m.arrange()
		return Restart
	}
	text := strings.TrimSpace(p.text)
	if text == "" {
		return None
	}
	d, err := time.ParseDuration(text)
	if n, nerr := strconv.ParseFloat(text, 64); nerr == nil {
		d, err = time.Duration(n*float64(time.Second)), nil
	}
	if err != nil || d < intervals[0] || d > time.Hour {
		m.message = "an interval is a time such as 2 or 500ms, from 0.1 to 3600 seconds"
		return None
	}
	m.Interval = d
	return Restart
}
