package probe

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// USDTArg is where an argument of a USDT probe is: a constant, a register, or memory.
type USDTArg struct {
	Size   uint8 // bytes: 1, 2, 4, 8
	Signed bool
	Mem    bool   // at the address Base + Index×Scale + Disp of the process
	Base   string // a register by reg()'s name, "" for none
	Shift  uint8  // the value begins at this bit of Base: 8 for %ah
	Index  string // a register, "" for none
	Scale  uint8
	// IndexSize is how many bytes of Index count, and IndexSigned whether they are
	// extended by their sign (arm64: [x0, w1, sxtw 2]).
	IndexSize   uint8
	IndexSigned bool
	Disp        int64 // without Base and Mem: the constant itself
}

// ParseUSDTArgs reads the arguments of a USDT note, written as the assembler of arch writes
// operands, each preceded by its size and sign: "-4@%edi 8@16(%rsp,%rax,8) 2@$-7" on amd64,
// "-4@w0 8@[sp, 16] 2@-7" on arm64. Symbols have been replaced by numbers (host/exe); a
// displacement from %rip counts from the probe itself. An argument that can't be read has
// its error in errs at the same index.
func ParseUSDTArgs(arch, text string) (args []USDTArg, errs []error) {
	for _, field := range splitUSDTArgs(text) {
		arg, err := parseUSDTArg(arch, field)
		if err != nil {
			err = fmt.Errorf("%q: %w", field, err)
		}
		args, errs = append(args, arg), append(errs, err)
	}
	return args, errs
}

// splitUSDTArgs cuts at the blanks outside brackets.
func splitUSDTArgs(text string) (fields []string) {
	depth, start := 0, 0
	for i := 0; i <= len(text); i++ {
		switch {
		case i == len(text) || text[i] == ' ' && depth == 0:
			if i > start {
				fields = append(fields, text[start:i])
			}
			start = i + 1
		case text[i] == '[' || text[i] == '(':
			depth++
		case text[i] == ']' || text[i] == ')':
			depth--
		}
	}
	return fields
}

func parseUSDTArg(arch, text string) (a USDTArg, err error) {
	size, place, ok := strings.Cut(text, "@")
	// A number with a fraction is marked by f; its bits can be looked at in memory.
	n, nerr := strconv.Atoi(strings.TrimSuffix(size, "f"))
	a.Signed, n = n < 0, max(n, -n)
	switch {
	case !ok || nerr != nil:
		return a, errors.New("no size before it")
	case n != 1 && n != 2 && n != 4 && n != 8:
		return a, fmt.Errorf("%d bytes are no size of an integer", n)
	}
	a.Size = uint8(n)
	if arch == "arm64" {
		return a, a.parseARM64(place)
	}
	return a, a.parseAMD64(place)
}

// parseAMD64 reads an AT&T operand: $7, %eax, 8(%rsp), (%rax,%rbx,4), 16(,%rax,8).
func (a *USDTArg) parseAMD64(place string) (err error) {
	if imm, ok := strings.CutPrefix(place, "$"); ok {
		a.Disp, err = parseUSDTNumber(imm)
		return err
	}
	if strings.HasPrefix(place, "%") && !strings.ContainsAny(place, ":(") {
		a.Base, a.Shift, err = amd64Register(place)
		return err
	}
	a.Mem = true
	disp, rest, inside := strings.Cut(place, "(")
	if disp != "" || !inside {
		if a.Disp, err = parseUSDTNumber(disp); err != nil {
			return err
		}
	}
	if !inside {
		return nil
	}
	parts := strings.Split(strings.TrimSuffix(rest, ")"), ",")
	if len(parts) > 3 || !strings.HasSuffix(rest, ")") {
		return errUSDTForm
	}
	if base := strings.TrimSpace(parts[0]); base != "" {
		if a.Base, _, err = amd64Register(base); err != nil {
			return err
		}
	}
	if len(parts) == 1 {
		return nil
	}
	a.Scale, a.IndexSize = 1, 8
	if a.Index, _, err = amd64Register(strings.TrimSpace(parts[1])); err == nil && len(parts) == 3 {
		a.Scale, err = parseUSDTScale(parts[2], 10)
	}
	return err
}

// errUSDTForm is the error of an operand of none of the known forms.
var errUSDTForm = errors.New("no form of an operand that is known")

// amd64Register is the 64-bit register that name is a part of, and the part's first bit.
func amd64Register(name string) (reg string, shift uint8, err error) {
	name, ok := strings.CutPrefix(name, "%")
	if !ok {
		return "", 0, errUSDTForm
	}
	switch {
	case name == "rip":
		return "ip", 0, nil
	case len(name) > 1 && name[0] == 'r' && name[1] >= '0' && name[1] <= '9':
		// r8 … r15, r8d, r8w, r8b
		reg = strings.TrimRight(name, "dwb")
	case len(name) == 3 && (name[0] == 'r' || name[0] == 'e'):
		reg = name[1:]
	case len(name) == 3 && name[2] == 'l':
		reg = name[:2] // sil, dil, bpl, spl
	case len(name) == 2 && strings.Contains("abcd", name[:1]) && (name[1] == 'l' || name[1] == 'h'):
		reg = name[:1] + "x"
		if name[1] == 'h' {
			shift = 8
		}
	default:
		reg = name
	}
	if !strings.Contains(" r8 r9 r10 r11 r12 r13 r14 r15 ax bx cx dx si di bp sp ", " "+reg+" ") {
		return "", 0, fmt.Errorf("register %%%s isn't among those that a probe sees", name)
	}
	return reg, shift, nil
}

// parseARM64 reads 7, x0, w0, sp, [x0], [x0, 8], [x0, x1, lsl 3], [x0, w1, sxtw 2].
func (a *USDTArg) parseARM64(place string) (err error) {
	inner, mem := strings.CutPrefix(place, "[")
	if !mem {
		if n, nerr := parseUSDTNumber(strings.TrimPrefix(place, "#")); nerr == nil {
			a.Disp = n
			return nil
		}
		a.Base, _, err = arm64Register(place)
		return err
	}
	a.Mem = true
	inner, ok := strings.CutSuffix(inner, "]")
	parts := strings.Split(inner, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if !ok || len(parts) > 3 {
		return errUSDTForm
	}
	if a.Base, _, err = arm64Register(parts[0]); err != nil || len(parts) == 1 {
		return err
	}
	if n, nerr := parseUSDTNumber(strings.TrimPrefix(parts[1], "#")); nerr == nil && len(parts) == 2 {
		a.Disp = n
		return nil
	}
	a.Scale = 1
	if a.Index, a.IndexSize, err = arm64Register(parts[1]); err != nil || len(parts) == 2 {
		return err
	}
	how, by, _ := strings.Cut(parts[2], " ")
	a.IndexSigned = strings.HasPrefix(how, "sxt")
	if by == "" {
		return nil
	}
	a.Scale, err = parseUSDTScale(strings.TrimPrefix(strings.TrimSpace(by), "#"), 2)
	return err
}

// arm64Register is the register x or w name as reg() calls it, and its bytes. The zero
// register has no name.
func arm64Register(name string) (reg string, size uint8, err error) {
	switch name {
	case "sp":
		return "sp", 8, nil
	case "wsp":
		return "sp", 4, nil
	case "xzr":
		return "", 8, nil
	case "wzr":
		return "", 4, nil
	}
	size = 8
	num, ok := strings.CutPrefix(name, "x")
	if !ok {
		size = 4
		num, ok = strings.CutPrefix(name, "w")
	}
	if n, nerr := strconv.ParseUint(num, 10, 8); !ok || nerr != nil || n > 30 {
		return "", 0, fmt.Errorf("register %s isn't among those that a probe sees", name)
	}
	return "r" + num, size, nil
}

// parseUSDTNumber reads a decimal or hexadecimal number of 64 bits with or without a sign.
func parseUSDTNumber(s string) (int64, error) {
	if n, err := strconv.ParseInt(s, 0, 64); err == nil {
		return n, nil
	}
	n, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", s)
	}
	return int64(n), nil
}

// parseUSDTScale reads a factor: 1, 2, 4, 8 (base 10), or the number of bits to shift by
// (base 2).
func parseUSDTScale(s string, base int) (uint8, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 8)
	if err == nil && base == 2 && n <= 3 {
		return 1 << n, nil
	}
	if err == nil && base == 10 && (n == 1 || n == 2 || n == 4 || n == 8) {
		return uint8(n), nil
	}
	return 0, fmt.Errorf("%q is no factor of an index", s)
}
