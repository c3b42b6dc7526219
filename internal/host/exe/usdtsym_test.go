package exe

import (
	"debug/elf"
	"encoding/binary"
	"testing"
)

// withSymbols is a file whose symbol table has counter at 0x4010 and table at 0x4100.
func withSymbols(machine elf.Machine) *File {
	names := []byte("\x00counter\x00table\x00x0\x00")
	entry := func(name uint32, addr uint64) []byte {
		b := binary.LittleEndian.AppendUint32(nil, name)
		b = append(b, byte(elf.STT_OBJECT), 0, 1, 0)
		b = binary.LittleEndian.AppendUint64(b, addr)
		return binary.LittleEndian.AppendUint64(b, 8)
	}
	table := append(append(entry(1, 0x4010), entry(9, 0x4100)...), entry(15, 0x9000)...)
	f := &File{ELF: &elf.File{FileHeader: elf.FileHeader{Class: elf.ELFCLASS64, ByteOrder: binary.LittleEndian, Machine: machine}}}
	f.data = append(append([]byte(nil), names...), table...)
	f.ELF.Sections = []*elf.Section{
		{SectionHeader: elf.SectionHeader{Type: elf.SHT_STRTAB, Offset: 0, FileSize: uint64(len(names)), Size: uint64(len(names))}},
		{SectionHeader: elf.SectionHeader{Type: elf.SHT_SYMTAB, Link: 0, Offset: uint64(len(names)), FileSize: uint64(len(table)), Size: uint64(len(table))}},
	}
	return f
}

func TestUSDTSymbols(t *testing.T) {
	for in, want := range map[string]string{
		"-4@%edi 8@8(%rsp)":                   "-4@%edi 8@8(%rsp)",
		"4@counter(%rip)":                     "4@12288(%rip)",
		"4@counter+8(%rip) 8@counter-4(%rip)": "4@12296(%rip) 8@12284(%rip)",
		"8@$table -4@$7":                      "8@$16640 -4@$7",
		"8@table(,%rax,8) 8@counter":          "8@16640(,%rax,8) 8@16400",
		"8@elsewhere(%rip)":                   "8@elsewhere(%rip)",
		"8@counter@GOTPCREL(%rip)":            "8@counter@GOTPCREL(%rip)",
	} {
		if got := withSymbols(elf.EM_X86_64).usdtSymbols(in, 0x1010); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"-4@[x0, #:lo12:counter] 8@x0": "-4@[x0, #16] 8@x0",
		"8@[x0, x1, lsl 3] -4@7":       "8@[x0, x1, lsl 3] -4@7",
	} {
		if got := withSymbols(elf.EM_AARCH64).usdtSymbols(in, 0x1010); got != want {
			t.Errorf("arm64 %s: %s, want %s", in, got, want)
		}
	}
}
