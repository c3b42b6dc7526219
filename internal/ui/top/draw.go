package top

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/skep-bpf/skep/internal/inspect/show"
	"github.com/skep-bpf/skep/internal/ui/term"
)

var (
	titleStyle = term.Style{Reverse: true}
	headStyle  = term.Style{Bold: true}
	keyStyle   = term.Style{Bold: true, Color: term.Cyan}
)

// Draw draws the screen.
func (m *Model) Draw(g *term.Grid) {
	g.Resize(g.Width, g.Height)
	if g.Width < 1 || g.Height < 1 {
		return
	}
	switch m.mode {
	case modeList:
		m.drawList(g)
	case modeDetail:
		m.drawDocument(g, m.detailLines(g.Width))
	case modeHelp:
		m.drawDocument(g, helpLines(g.Width))
	}
	m.drawFoot(g)
}

// drawHead draws the first line: when, how often, and all programs together.
func (m *Model) drawHead(g *term.Grid) {
	x := g.Text(0, 0, "skep top", term.Style{Bold: true, Color: term.Yellow})
	text := "  reading programs …  "
	if m.sample != nil {
		running, rate, cpu := m.totals()
		text = fmt.Sprintf("  %s  %s, %d running  %s run/s  %.2f %%CPU  ", m.sample.At.Format("15:04:05"), show.Counted(len(m.progs), "program"), running, show.Number(rate), cpu)
	}
	x = g.Text(x, 0, text, term.Style{})
	if m.Paused {
		g.Text(x, 0, "PAUSED", term.Style{Reverse: true, Bold: true})
	} else {
		g.Text(x, 0, "every "+seconds(m.Interval), term.Style{})
	}
}

// seconds is an interval in seconds, "0.5s", "2s".
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'g', 4, 64) + "s" }

func (m *Model) drawList(g *term.Grid) {
	m.drawHead(g)
	m.page = max(1, g.Height-3)
	m.moveTo(m.cursor)
	idWidth := 0
	for _, p := range m.rows {
		idWidth = max(idWidth, len(strconv.Itoa(int(p.ID))))
	}
	shown, widths := layout(g.Width, idWidth, m.longest)
	g.Fill(0, 1, titleStyle)
	x := 0
	for _, i := range shown {
		m.drawTitle(g, x, i, widths[i])
		x += widths[i] + 1
	}
	for n := range m.page {
		row := m.offset + n
		if row >= len(m.rows) {
			break
		}
		p, selected := m.rows[row], row == m.cursor
		if selected {
			g.Fill(0, 2+n, titleStyle)
		}
		x := 0
		for _, i := range shown {
			c := &columns[i]
			style := rowStyle(c, p)
			if selected {
				style = term.Style{Reverse: true, Bold: style.Bold}
			}
			text := c.text(m, p, widths[i])
			if c.key == "name" {
				text = show.CutName(text, widths[i])
			}
			drawCell(g, x, 2+n, text, widths[i], c.right, style)
			x += widths[i] + 1
		}
	}
	if len(m.rows) == 0 && m.sample != nil {
		g.Text(2, 3, m.nothing(), term.Style{Dim: true})
	}
}

// nothing says why there is no row.
func (m *Model) nothing() string {
	switch {
	case m.filter != "":
		return fmt.Sprintf("no program matches %q", m.filter)
	case m.running && len(m.progs) > 0:
		return "no program ran; i shows all"
	case m.Only != nil:
		return "the programs are gone"
	}
	return "no programs are loaded"
}

// drawTitle writes a column's title: its letter is underlined, an arrow tells the order.
func (m *Model) drawTitle(g *term.Grid, x, i, width int) {
	c := &columns[i]
	style := titleStyle
	title := c.title
	if i == m.sortBy {
		style.Bold = true
		style.Color = term.Green
		if utf8.RuneCountInString(title) < width {
			title += m.arrow()
		}
	}
	at := x
	if c.right {
		at += max(0, width-utf8.RuneCountInString(title))
	}
	drawCell(g, x, 1, title, width, c.right, style)
	if n := strings.IndexRune(title, c.letter); n >= 0 && c.letter != 0 {
		s := style
		s.Line = true
		g.Set(at+n, 1, c.letter, s)
	}
}

// arrow tells the order: by default names go up and numbers down.
func (m *Model) arrow() string {
	up := m.reverse
	switch columns[m.sortBy].key {
	case "id", "name", "type", "owner":
		up = !up
	}
	switch {
	case m.Unicode && up:
		return "▲"
	case m.Unicode:
		return "▼"
	case up:
		return "^"
	}
	return "v"
}

// drawCell writes a text into a column, cut with … where it's too long.
func drawCell(g *term.Grid, x, y int, text string, width int, right bool, s term.Style) {
	n := utf8.RuneCountInString(text)
	if n > width {
		text, n = string([]rune(text)[:max(0, width-1)])+"…", width
	}
	if right {
		x += width - n
	}
	g.Text(x, y, text, s)
}

// drawFoot draws the last line: what is typed, a message, or the keys.
func (m *Model) drawFoot(g *term.Grid) {
	y := g.Height - 1
	if y < 1 {
		return
	}
	g.Fill(0, y, term.Style{})
	switch {
	case m.prompt.what == promptFilter:
		x := g.Text(0, y, "filter: ", keyStyle)
		m.drawTyped(g, x, y)
	case m.prompt.what == promptInterval:
		x := g.Text(0, y, "interval in seconds: ", keyStyle)
		m.drawTyped(g, x, y)
	case m.prompt.what == promptSort:
		x := g.Text(0, y, "sort by: ", term.Style{})
		for _, c := range columns {
			for _, r := range c.key {
				style := term.Style{}
				if unicode.ToUpper(r) == c.letter {
					style = keyStyle
					style.Line = true
				}
				g.Set(x, y, r, style)
				x++
			}
			if c.key != "" {
				x++
			}
		}
	case m.message != "":
		g.Text(0, y, m.message, term.Style{Color: term.Red, Bold: true})
	default:
		m.drawKeys(g, y)
	}
}

func (m *Model) drawTyped(g *term.Grid, x, y int) {
	x = g.Text(x, y, m.prompt.text, term.Style{})
	g.Set(x, y, ' ', term.Style{Reverse: true})
}

// drawKeys lists the keys that matter, as many as fit.
func (m *Model) drawKeys(g *term.Grid, y int) {
	keys := [][2]string{{"Enter", "look into"}, {"s", "sort"}, {"r", "reverse"}, {"/", "filter"}, {"i", "idle"}, {"p", "pause"}, {"+-", "interval"}, {"h", "help"}, {"q", "quit"}}
	switch m.mode {
	case modeDetail:
		keys = [][2]string{{"j k", "scroll"}, {"Tab", "next section"}, {"p", "pause"}, {"h", "help"}, {"q", "back"}}
	case modeHelp:
		keys = [][2]string{{"j k", "scroll"}, {"q", "back"}}
	}
	x := 0
	if m.mode == modeList && m.filter != "" {
		x = g.Text(x, y, fmt.Sprintf("%d match %q, Esc for all  ", len(m.rows), m.filter), term.Style{Color: term.Yellow})
	}
	for _, k := range keys {
		if x+len(k[0])+1+len(k[1]) > g.Width {
			return
		}
		x = g.Text(x, y, k[0], keyStyle)
		x = g.Text(x, y, " "+k[1]+"  ", term.Style{})
	}
}

// span is text of one style.
type span struct {
	text  string
	style term.Style
}

// wrap breaks a line between words where it's too long; what follows stands under indent.
func wrap(line []span, width, indent int) (lines [][]span) {
	if indent > width/2 {
		indent = 2
	}
	var row []span
	x := 0
	for _, s := range line {
		for word := range strings.SplitAfterSeq(s.text, " ") {
			n := utf8.RuneCountInString(word)
			if x+len([]rune(strings.TrimRight(word, " "))) > width && x > indent {
				lines = append(lines, row)
				row, x = []span{{strings.Repeat(" ", indent), term.Style{}}}, indent
			}
			row, x = append(row, span{word, s.style}), x+n
		}
	}
	return append(lines, row)
}

// drawDocument draws lines from the scroll position on, under the head line.
func (m *Model) drawDocument(g *term.Grid, lines [][]span) {
	m.drawHead(g)
	m.page, m.docLen = max(1, g.Height-2), len(lines)
	m.scroll = max(0, min(m.scroll, m.docLen-m.page))
	for n := range m.page {
		if m.scroll+n >= len(lines) {
			return
		}
		x := 0
		for _, s := range lines[m.scroll+n] {
			x = g.Text(x, 1+n, s.text, s.style)
		}
	}
}
