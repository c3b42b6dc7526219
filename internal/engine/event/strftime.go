package event

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// AppendStrftime appends a time by a strftime(3) format in the C locale, with glibc's flags
// and widths (%-d, %^a, %5Y). What isn't a conversion stays as it is. With fractions it has
// %f (microseconds), %k (nanoseconds) and %l (milliseconds) as bpftrace's strftime() does,
// and otherwise %k and %l are hours, and %f none.
func AppendStrftime(dst []byte, format string, t time.Time, fractions bool) []byte {
	for format != "" {
		c, ok := cutConversion(format)
		switch {
		case !ok:
			dst = append(dst, c.text...)
		case fractions && len(c.text) == 2 && strings.IndexByte("fkl", c.verb) >= 0:
			dst = appendFraction(dst, c.verb, t)
		default:
			dst = c.append(dst, t)
		}
		format = format[len(c.text):]
	}
	return dst
}

// conversion is a % of a format with all that belongs to it.
type conversion struct {
	text  string
	pad   byte // '_', '-', '0' or none
	upper bool // ^
	swap  bool // #
	width int
	verb  byte
}

// cutConversion takes the conversion that a format begins with. It's false, and takes what
// stands for itself, when there is none.
func cutConversion(format string) (c conversion, ok bool) {
	if format[0] != '%' {
		n := strings.IndexByte(format, '%')
		if n < 0 {
			n = len(format)
		}
		return conversion{text: format[:n]}, false
	}
	i := 1
	for ; i < len(format) && strings.IndexByte("_-0^#", format[i]) >= 0; i++ {
		switch format[i] {
		case '^':
			c.upper = true
		case '#':
			c.swap = true
		default:
			c.pad = format[i]
		}
	}
	for ; i < len(format) && format[i] >= '0' && format[i] <= '9'; i++ {
		c.width = min(c.width*10+int(format[i]-'0'), maxWidth)
	}
	if i+1 < len(format) && (format[i] == 'E' || format[i] == 'O') {
		i++ // alternative forms of a locale: the same in C's
	}
	if i == len(format) {
		c.text = format
		return c, false
	}
	c.verb, c.text = format[i], format[:i+1]
	return c, true
}

// maxWidth bounds what a format can ask for.
const maxWidth = 1024

// append appends the time's part that c asks for.
func (c *conversion) append(dst []byte, t time.Time) []byte {
	start := len(dst)
	dst, ok := appendTime(dst, c.verb, t)
	if !ok {
		return append(dst, c.text...)
	}
	if c.pad == 0 && c.width == 0 && !c.upper && !c.swap {
		return dst
	}
	out := string(dst[start:])
	switch {
	case c.swap && (c.verb == 'p' || c.verb == 'Z'):
		out = strings.ToLower(out)
	case c.upper || c.swap && strings.IndexByte("aAbBh", c.verb) >= 0:
		out = strings.ToUpper(out)
	}
	fill := " "
	if c.pad == '0' {
		fill = "0"
	}
	if strings.IndexByte("CdegGHIjklmMsSuUVwWyY", c.verb) >= 0 {
		digits := strings.TrimLeft(out[:len(out)-1], " 0") + out[len(out)-1:]
		if c.pad == 0 && out[0] != ' ' && strings.IndexByte("ekl", c.verb) < 0 {
			fill = "0"
		}
		if c.pad != '-' {
			digits = strings.Repeat(fill, len(out)-len(digits)) + digits
		}
		out = digits
	}
	out = strings.Repeat(fill, max(0, c.width-len(out))) + out
	return append(dst[:start], out...)
}

// isoLayout is a time as --iso has it: ISO 8601 with microseconds and the zone, Z for UTC.
const isoLayout = "2006-01-02T15:04:05.000000Z07:00"

// isoTimes are the ways of writing a time of day in a format, longer ones first, and isoDates
// those of a date that may stand before it with one blank, T or underscore between.
var (
	isoTimes = []string{"%H:%M:%S", "%I:%M:%S %p", "%T", "%X", "%r", "%c"}
	isoDates = []string{"%Y-%m-%d", "%Y/%m/%d", "%F", "%D", "%x"}
	isoParts = []string{".%f", ".%k", ".%l", ",%f", ",%k", ",%l"}
	isoZones = []string{" %z", "%z", " %Z", "%Z"}
)

// appendISO is AppendStrftime with each time of day made ISO 8601: with the date before it,
// the part of a second and the zone behind it if the format has them. What else stands in the
// format stays, a date without a time of day too.
func appendISO(dst []byte, format string, t time.Time, fractions bool) []byte {
	for format != "" {
		if n := isoSpan(format); n > 0 {
			dst = t.AppendFormat(dst, isoLayout)
			format = format[n:]
			continue
		}
		c, _ := cutConversion(format)
		n := len(c.text)
		if format[0] != '%' {
			n = 1 // a date or time may begin at the next
		}
		dst = AppendStrftime(dst, format[:n], t, fractions)
		format = format[n:]
	}
	return dst
}

// isoSpan is the length of the time of day that format begins with, date, part of a second
// and zone included; 0: it doesn't begin with one.
func isoSpan(format string) int {
	rest := format
	if after, ok := cutAny(rest, isoDates); ok && after != "" {
		if after[0] == ' ' || after[0] == 'T' || after[0] == '_' {
			rest = after[1:]
		}
	}
	rest, ok := cutAny(rest, isoTimes)
	if !ok {
		return 0
	}
	rest, _ = cutAny(rest, isoParts)
	rest, _ = cutAny(rest, isoZones)
	return len(format) - len(rest)
}

// cutAny is s without the first of the prefixes that it has.
func cutAny(s string, prefixes []string) (string, bool) {
	for _, p := range prefixes {
		if after, ok := strings.CutPrefix(s, p); ok {
			return after, true
		}
	}
	return s, false
}

// layouts are the conversions that a layout of Go's expresses.
var layouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan",
	'c': "Mon Jan _2 15:04:05 2006", 'D': "01/02/06", 'x': "01/02/06",
	'd': "02", 'e': "_2", 'F': "2006-01-02", 'H': "15", 'I': "03",
	'j': "002", 'm': "01", 'M': "04", 'p': "PM", 'P': "pm", 'r': "03:04:05 PM",
	'R': "15:04", 'S': "05", 'T': "15:04:05", 'X': "15:04:05", 'y': "06",
	'Z': "MST", 'z': "-0700", 'n': "\n", 't': "\t", '%': "%",
}

// appendFraction appends the part of a second that one of bpftrace's conversions is.
func appendFraction(dst []byte, verb byte, t time.Time) []byte {
	switch verb {
	case 'k':
		return pad(dst, t.Nanosecond(), 9)
	case 'l':
		return pad(dst, t.Nanosecond()/1000000, 3)
	}
	return pad(dst, t.Nanosecond()/1000, 6)
}

// appendTime appends what a conversion of strftime(3) stands for; false: it has none such.
func appendTime(dst []byte, verb byte, t time.Time) ([]byte, bool) {
	if layout, ok := layouts[verb]; ok {
		return t.AppendFormat(dst, layout), true
	}
	isoYear, isoWeek := t.ISOWeek()
	day := t.YearDay() - 1
	switch verb {
	case 'k':
		return fmt.Appendf(dst, "%2d", t.Hour()), true
	case 'l':
		return fmt.Appendf(dst, "%2d", (t.Hour()+11)%12+1), true
	case 's':
		return strconv.AppendInt(dst, t.Unix(), 10), true
	case 'Y':
		return strconv.AppendInt(dst, int64(t.Year()), 10), true
	case 'C':
		return pad(dst, t.Year()/100, 2), true
	case 'u':
		return pad(dst, (int(t.Weekday())+6)%7+1, 1), true
	case 'w':
		return pad(dst, int(t.Weekday()), 1), true
	case 'U': // weeks since the year's first Sunday
		return pad(dst, (day+7-int(t.Weekday()))/7, 2), true
	case 'W': // weeks since the year's first Monday
		return pad(dst, (day+7-(int(t.Weekday())+6)%7)/7, 2), true
	case 'V':
		return pad(dst, isoWeek, 2), true
	case 'G':
		return strconv.AppendInt(dst, int64(isoYear), 10), true
	case 'g':
		return pad(dst, isoYear%100, 2), true
	}
	return dst, false
}

// pad appends n with leading zeros to a width.
func pad(dst []byte, n, width int) []byte {
	least := 1
	for range width - 1 {
		least *= 10
	}
	for ; least > 1 && n < least; least /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(n), 10)
}
