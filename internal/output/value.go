package output

import (
	"strconv"

	"github.com/skep-bpf/skep/internal/engine/event"
)

// AppendValue appends a value as print() shows it. Histograms aren't values to it.
func AppendValue(dst []byte, v *event.Value) []byte {
	return appendValue(dst, v, false)
}

// appendValue appends a value; plus: signed numbers carry their sign.
func appendValue(dst []byte, v *event.Value, plus bool) []byte {
	switch v.Kind {
	case event.Null:
		return append(dst, "null"...)
	case event.Bool:
		return strconv.AppendBool(dst, v.Num != 0)
	case event.Int:
		if plus && int64(v.Num) >= 0 {
			dst = append(dst, '+')
		}
		return strconv.AppendInt(dst, int64(v.Num), 10)
	case event.Uint:
		return strconv.AppendUint(dst, v.Num, 10)
	case event.Real:
		return strconv.AppendFloat(dst, v.Float(), 'f', int(v.Places), 64)
	case event.Pointer:
		return strconv.AppendUint(append(dst, "0x"...), v.Num, 16)
	case event.Symbol:
		return append(dst, v.Text...)
	case event.String:
		return append(append(dst, v.Bytes...), v.Text...)
	case event.Buffer:
		return appendBuffer(dst, v.Bytes, bufferEscaped)
	}
	return appendElems(append(dst, opening(v)...), v, plus)
}

// opening is the first piece that a value with elements prints; a printf width applies
// to it alone.
func opening(v *event.Value) string {
	switch v.Kind {
	case event.Tuple:
		return "("
	case event.Array:
		return "["
	case event.Record:
		if len(v.Elems) == 0 {
			return "{}"
		}
		return "{ "
	}
	return ""
}

// appendElems appends what follows the opening.
func appendElems(dst []byte, v *event.Value, plus bool) []byte {
	separator, closing := ", ", ")"
	switch v.Kind {
	case event.Array:
		separator, closing = ",", "]"
	case event.Record:
		closing = " }"
		if len(v.Elems) == 0 {
			closing = ""
		}
	}
	for i := range v.Elems {
		if i > 0 {
			dst = append(dst, separator...)
		}
		if v.Kind == event.Record {
			dst = append(dst, '.')
			dst = append(dst, v.Names[i]...)
			dst = append(dst, " = "...)
		}
		dst = appendValue(dst, &v.Elems[i], plus)
	}
	return append(dst, closing...)
}

// AppendKey appends a map's key: a value without the parentheses of an outermost tuple.
// bpftrace takes them off the text, so a string in parentheses loses them too.
func AppendKey(dst []byte, v *event.Value) []byte {
	start := len(dst)
	dst = AppendValue(dst, v)
	if n := len(dst); n-start >= 2 && dst[start] == '(' && dst[n-1] == ')' {
		copy(dst[start:], dst[start+1:n-1])
		dst = dst[:n-2]
	}
	return dst
}

// bufferForm is how a buffer's bytes are printed.
type bufferForm uint8

const (
	bufferEscaped bufferForm = iota // %r: ASCII as it is, the others as \x01
	bufferHex                       // %rx: \x41\x01
	bufferSpaced                    // %rh: 41 01
)

const hexDigits = "0123456789abcdef"

func appendBuffer(dst, b []byte, form bufferForm) []byte {
	for i, c := range b {
		if form == bufferEscaped && c >= ' ' && c <= '~' {
			dst = append(dst, c)
			continue
		}
		if form != bufferSpaced {
			dst = append(dst, `\x`...)
		} else if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}
