package output

import (
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine/event"
)

// AppendFormat appends a printf format with an action's arguments out of its record.
//
// Floating-point numbers print as C prints them. All else prints as in bpftrace, which isn't
// always as in C: without a length modifier a
// number is cut to 32 bits; precisions and the space flag don't change anything; zeros
// are filled in before a sign; of a tuple or struct only the opening is filled to the
// width. Numbers and strings cost no allocation.
func AppendFormat(dst []byte, d *event.Decoder, f *object.Format, args []object.Field, rec []byte) ([]byte, error) {
	var v event.Value
	for i := range f.Parts {
		p := &f.Parts[i]
		dst = append(dst, p.Lit...)
		if p.Verb == 0 {
			continue
		}
		width := p.Width
		if p.StarWidth {
			if err := d.ReadArg(&v, &args[p.Width], rec); err != nil {
				return dst, err
			}
			width = int(int32(v.Num))
		}
		if p.Real != nil {
			var err error
			if dst, err = appendReal(dst, d, p, width, args, rec); err != nil {
				return dst, err
			}
			continue
		}
		if err := d.ReadArg(&v, &args[p.Arg], rec); err != nil {
			return dst, err
		}
		dst = appendVerb(dst, p, &v, width)
	}
	return dst, nil
}

// appendVerb appends a value by one conversion.
func appendVerb(dst []byte, p *object.FormatPart, v *event.Value, width int) []byte {
	start := len(dst)
	switch p.Verb {
	case 's':
		return appendString(dst, p, v, width)
	case 'r':
		if v.Kind != event.Buffer {
			return appendString(dst, p, v, width)
		}
	}
	if p.Verb != 'r' && !v.IsNumber() {
		return append(AppendValue(append(dst, "!{invalid integer conversion: "...), v), '}')
	}
	switch p.Verb {
	case 'd', 'i':
		n := signedBits(v.Num, p.Mod)
		if n >= 0 && has(p, '+') {
			dst = append(dst, '+')
		}
		dst = strconv.AppendInt(dst, n, 10)
	case 'u':
		dst = strconv.AppendUint(dst, unsignedBits(v.Num, p.Mod), 10)
	case 'x', 'X', 'o':
		dst = appendBase(dst, p, unsignedBits(v.Num, p.Mod))
	case 'c':
		dst = append(dst, byte(v.Num))
	case 'p':
		if v.Num != 0 {
			dst = append(dst, "0x"...)
		}
		dst = strconv.AppendUint(dst, v.Num, 16)
	case 'g': // only as %gr
		dst = appendGFP(dst, v.Num)
	case 'r':
		dst = appendBuffer(dst, v.Bytes, formOf(p))
	default:
		panic("BUG: printf conversion " + string(p.Verb))
	}
	return justify(dst, start, p, width)
}

// appendString appends any value as text.
func appendString(dst []byte, p *object.FormatPart, v *event.Value, width int) []byte {
	start := len(dst)
	plus := has(p, '+')
	if first := opening(v); first != "" {
		dst = justify(append(dst, first...), start, p, width)
		return appendElems(dst, v, plus)
	}
	return justify(appendValue(dst, v, plus), start, p, width)
}

// justify fills what stands behind start up to width.
func justify(dst []byte, start int, p *object.FormatPart, width int) []byte {
	have := len(dst) - start
	if width <= have {
		return dst
	}
	fill := byte(' ')
	if has(p, '0') {
		fill = '0'
	}
	for range width - have {
		dst = append(dst, fill)
	}
	if !has(p, '-') {
		copy(dst[start+width-have:], dst[start:start+have])
		for i := start; i < start+width-have; i++ {
			dst[i] = fill
		}
	}
	return dst
}

func has(p *object.FormatPart, flag byte) bool { return strings.IndexByte(p.Flags, flag) >= 0 }

func formOf(p *object.FormatPart) bufferForm {
	switch p.Mod {
	case "rx":
		return bufferHex
	case "rh":
		return bufferSpaced
	}
	return bufferEscaped
}

// signedBits cuts a number to what its length modifier names, 32 bits without one.
func signedBits(n uint64, mod string) int64 {
	switch mod {
	case "hh":
		return int64(int8(n))
	case "h":
		return int64(int16(n))
	case "l", "ll", "j", "z", "t":
		return int64(n)
	}
	return int64(int32(n))
}

func unsignedBits(n uint64, mod string) uint64 {
	switch mod {
	case "hh":
		return uint64(uint8(n))
	case "h":
		return uint64(uint16(n))
	case "l", "ll", "j", "z", "t":
		return n
	}
	return uint64(uint32(n))
}

// appendBase appends a number in base 8 or 16; the flag # marks it, unless it's zero.
func appendBase(dst []byte, p *object.FormatPart, n uint64) []byte {
	marked := has(p, '#') && n != 0
	if p.Verb == 'o' {
		if marked {
			dst = append(dst, '0')
		}
		return strconv.AppendUint(dst, n, 8)
	}
	if marked {
		dst = append(dst, '0', p.Verb)
	}
	start := len(dst)
	dst = strconv.AppendUint(dst, n, 16)
	if p.Verb == 'X' {
		for i := start; i < len(dst); i++ {
			if dst[i] >= 'a' {
				dst[i] -= 'a' - 'A'
			}
		}
	}
	return dst
}
