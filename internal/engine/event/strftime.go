package event

import (
	"strconv"
	"strings"
	"time"
)

// AppendStrftime appends a time by a strftime(3) format in the C locale, and bpftrace's
// own %f (microseconds), %k (nanoseconds) and %l (milliseconds). What isn't a conversion
// stays as it is.
func AppendStrftime(dst []byte, format string, t time.Time) []byte {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			dst = append(dst, format[i])
			continue
		}
		i++
		if (format[i] == 'E' || format[i] == 'O') && i+1 < len(format) {
			i++ // alternative forms of a locale: the same in C's
		}
		dst = appendTime(dst, format[i], t)
	}
	return dst
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
func appendISO(dst []byte, format string, t time.Time) []byte {
	for format != "" {
		if n := isoSpan(format); n > 0 {
			dst = t.AppendFormat(dst, isoLayout)
			format = format[n:]
			continue
		}
		n := 1
		if format[0] == '%' {
			n = min(2, len(format))
			if n < len(format) && (format[1] == 'E' || format[1] == 'O') {
				n++
			}
		}
		dst = AppendStrftime(dst, format[:n], t)
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

func appendTime(dst []byte, verb byte, t time.Time) []byte {
	if layout, ok := layouts[verb]; ok {
		return t.AppendFormat(dst, layout)
	}
	isoYear, isoWeek := t.ISOWeek()
	day := t.YearDay() - 1
	switch verb {
	case 'f':
		return pad(dst, t.Nanosecond()/1000, 6)
	case 'k':
		return pad(dst, t.Nanosecond(), 9)
	case 'l':
		return pad(dst, t.Nanosecond()/1000000, 3)
	case 's':
		return strconv.AppendInt(dst, t.Unix(), 10)
	case 'Y':
		return strconv.AppendInt(dst, int64(t.Year()), 10)
	case 'C':
		return pad(dst, t.Year()/100, 2)
	case 'u':
		return pad(dst, (int(t.Weekday())+6)%7+1, 1)
	case 'w':
		return pad(dst, int(t.Weekday()), 1)
	case 'U': // weeks since the year's first Sunday
		return pad(dst, (day+7-int(t.Weekday()))/7, 2)
	case 'W': // weeks since the year's first Monday
		return pad(dst, (day+7-(int(t.Weekday())+6)%7)/7, 2)
	case 'V':
		return pad(dst, isoWeek, 2)
	case 'G':
		return strconv.AppendInt(dst, int64(isoYear), 10)
	case 'g':
		return pad(dst, isoYear%100, 2)
	}
	return append(dst, '%', verb)
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
