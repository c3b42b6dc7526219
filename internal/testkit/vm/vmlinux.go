//go:build linux

package vm

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
)

// Fields of the boot protocol's header (Documentation/arch/x86/boot.rst).
const (
	setupSects    = 0x1f1 // u8: sectors of the real-mode code after the first
	payloadOffset = 0x248 // u32: from the protected-mode code on
	payloadLength = 0x24c // u32: with 4 bytes of the length when unpacked
)

// magics are how compressed kernels begin, and the commands that unpack them.
var magics = []struct {
	magic   string
	command []string
}{
	{"\x28\xb5\x2f\xfd", []string{"zstd", "-dcq"}},
	{"\x02\x21\x4c\x18", []string{"lz4", "-dcq"}},
	{"\xfd7zXZ", []string{"xz", "-dc"}},
	{"\x1f\x8b", []string{"gzip", "-dc"}},
}

// extractVmlinux unpacks the kernel out of its bzImage to dir/vmlinux, which saves the
// guest seconds of unpacking under emulation. Where that fails, as without the command, the
// bzImage boots just as well.
func extractVmlinux(dir, release string) {
	k, err := open("", dir)
	if err != nil {
		k = &Kernel{Image: firstOf(
			filepath.Join(dir, "boot", "vmlinuz-"+release),
			filepath.Join(dir, "usr", "lib", "modules", release, "vmlinuz"))}
	}
	image, err := os.ReadFile(k.Image)
	if err != nil || len(image) < payloadLength+4 {
		return
	}
	from := (uint32(image[setupSects])+1)*512 + binary.LittleEndian.Uint32(image[payloadOffset:])
	size := binary.LittleEndian.Uint32(image[payloadLength:]) - 4
	if uint64(from)+uint64(size) > uint64(len(image)) {
		return
	}
	payload := image[from : from+size]
	for _, m := range magics {
		if !bytes.HasPrefix(payload, []byte(m.magic)) {
			continue
		}
		cmd := exec.Command(m.command[0], m.command[1:]...)
		cmd.Stdin = bytes.NewReader(payload)
		// An error at the end doesn't matter: some kernels have more bytes behind.
		if out, _ := cmd.Output(); bytes.HasPrefix(out, []byte("\x7fELF")) {
			_ = os.WriteFile(filepath.Join(dir, "vmlinux"), out, 0o644)
		}
		return
	}
}
