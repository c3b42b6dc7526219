package exe

import (
	"debug/elf"
	"regexp"
	"strconv"
	"sync"
)

// usdtSymbol finds a symbol with its displacement in an operand of a USDT note, where the
// assembler left one to the linker: counter(%rip), counter+8(%rip), $table, :lo12:counter.
// A name begins after the size, a dollar or the relocation's name, never after a percent.
var usdtSymbol = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`([@$ ]|:lo12:)([A-Za-z_.][\w.$]*)([+-]\d+)?(\(%rip\)|\(|[\] ]|$)`)
})

// arm64Register are the names that are no symbols there.
var arm64Register = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([xwvqdsbh]\d+|sp|wsp|xzr|wzr|lsl|[su]xt[bhwx])$`)
})

// usdtSymbols puts numbers for the symbols of a note's arguments: its address for an
// absolute one, its low 12 bits after :lo12:, and the distance from the probe at address pc
// for one relative to the program counter. What isn't a symbol, such as arm64's registers,
// stays as it is.
func (f *File) usdtSymbols(args string, pc uint64) string {
	return usdtSymbol().ReplaceAllStringFunc(args, func(operand string) string {
		m := usdtSymbol().FindStringSubmatch(operand)
		before, name, off, after := m[1], m[2], m[3], m[4]
		if f.ELF.Machine == elf.EM_AARCH64 && arm64Register().MatchString(name) {
			return operand
		}
		sym, ok := f.Symbol(name)
		if !ok {
			return operand
		}
		n, _ := strconv.ParseInt(off, 10, 64) // no displacement is 0
		addr := int64(sym.Addr) + n
		switch {
		case before == ":lo12:":
			return strconv.FormatInt(addr&0xfff, 10) + after
		case after == "(%rip)":
			addr -= int64(pc)
		}
		return before + strconv.FormatInt(addr, 10) + after
	})
}
