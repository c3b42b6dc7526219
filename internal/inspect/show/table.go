package show

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Column is a column of a Table.
type Column struct {
	Title string
	Right bool // aligned to the right, for numbers
	Least int  // it may be cut down to so many characters; 0: it's never cut
	Name  bool // of a name, which is cut in its middle: the ends tell more
	Rank  int  // 0: it's always there; of the others the highest is left out first
}

// Table is text in columns that fits a terminal: columns of high rank are left out, then
// long texts are cut, the widest first.
type Table struct {
	Columns []Column
	Rows    [][]string // a text for each column
}

// gap is between columns.
const gap = 2

// Write prints the table in so many characters a line; 0: as many as it takes.
func (t *Table) Write(w io.Writer, width int) error {
	shown, widths := t.fit(width)
	var b strings.Builder
	titles := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		titles[i] = c.Title
	}
	for _, row := range append([][]string{titles}, t.Rows...) {
		var line strings.Builder
		for n, i := range shown {
			if n > 0 {
				line.WriteString(strings.Repeat(" ", gap))
			}
			text := plain(row[i])
			if t.Columns[i].Name {
				text = CutName(text, widths[i])
			} else {
				text = cut(text, widths[i])
			}
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if t.Columns[i].Right {
				line.WriteString(pad + text)
			} else {
				line.WriteString(text + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fit picks the columns and gives each its width.
func (t *Table) fit(width int) (shown []int, widths []int) {
	widths = make([]int, len(t.Columns))
	for i, c := range t.Columns {
		shown = append(shown, i)
		widths[i] = utf8.RuneCountInString(c.Title)
		for _, row := range t.Rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(plain(row[i])))
		}
	}
	if width <= 0 {
		return shown, widths
	}
	least := func(i int) int {
		c := t.Columns[i]
		if c.Least == 0 {
			return widths[i]
		}
		return min(widths[i], max(c.Least, utf8.RuneCountInString(c.Title)))
	}
	for over(shown, least) > width {
		last := -1
		for n, i := range shown {
			if r := t.Columns[i].Rank; r > 0 && (last < 0 || r >= t.Columns[shown[last]].Rank) {
				last = n
			}
		}
		if last < 0 {
			break
		}
		shown = append(shown[:last:last], shown[last+1:]...)
	}
	for over(shown, func(i int) int { return widths[i] }) > width {
		widest := -1
		for _, i := range shown {
			if widths[i] > least(i) && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break // it doesn't fit, whatever is done
		}
		widths[widest]--
	}
	return shown, widths
}

// over is the width of columns with the gaps between them.
func over(shown []int, of func(i int) int) int {
	sum := gap * (len(shown) - 1)
	for _, i := range shown {
		sum += of(i)
	}
	return sum
}

// cut shortens a text, with … in place of its end.
func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	return string([]rune(s)[:width-1]) + "…"
}

// CutName shortens a name, with … in place of what's before its last two thirds: names of
// programs and functions begin alike.
func CutName(s string, width int) string {
	r := []rune(s)
	if len(r) <= width || width < 6 {
		return cut(s, width)
	}
	head := (width - 1) / 3
	return string(r[:head]) + "…" + string(r[len(r)-(width-1-head):])
}

// plain keeps what would disturb a terminal out of a text: names of processes and paths may
// have any characters.
func plain(s string) string {
	clean := true
	for _, r := range s {
		clean = clean && r != utf8.RuneError && unicode.IsPrint(r)
	}
	if clean {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// Bytes is a size for a person: "512", "4.0K", "37M". The unit is 1024.
func Bytes(n int64) string {
	if n < 0 {
		return "?"
	}
	if n < 1024 {
		return fmt.Sprint(n)
	}
	v := float64(n)
	for _, unit := range "KMGTP" {
		if v /= 1024; v < 9.95 {
			return fmt.Sprintf("%.1f%c", v, unit)
		} else if v < 1023.5 {
			return fmt.Sprintf("%.0f%c", v, unit)
		}
	}
	return fmt.Sprintf("%.0fE", v/1024)
}

// Age is a time in its largest unit: "12s", "5m", "3h", "40d".
func Age(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// Short is a short time: "153ns", "1.2µs", "34ms".
func Short(d time.Duration) string {
	v := float64(d)
	for _, unit := range []string{"ns", "µs", "ms"} {
		switch {
		case unit == "ns" && v < 999.5:
			return fmt.Sprintf("%.0fns", v)
		case v < 9.95:
			return fmt.Sprintf("%.1f%s", v, unit)
		case v < 999.5:
			return fmt.Sprintf("%.0f%s", v, unit)
		}
		v /= 1000
	}
	return fmt.Sprintf("%.1fs", v)
}

// Number is a count or rate for a person: "0", "3.5", "998", "1.2k", "45M". The unit is 1000.
func Number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 9.95 && v != float64(int64(v)):
		return fmt.Sprintf("%.1f", v)
	case v < 999.5:
		return fmt.Sprintf("%.0f", v)
	}
	for _, unit := range "kMGT" {
		if v /= 1000; v < 9.95 {
			return fmt.Sprintf("%.1f%c", v, unit)
		} else if v < 999.5 {
			return fmt.Sprintf("%.0f%c", v, unit)
		}
	}
	return fmt.Sprintf("%.0fP", v/1000)
}
