//go:build linux

package vm

import (
	"debug/elf"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
)

// small are the programs that each guest gets in /bin, where this machine has them.
var small = []string{
	"sh", "bash", "sed", "cat", "ls", "mkdir", "head", "true", "sleep", "dd", "setpriv", "unshare",
	"mount", "umount",
}

// smallPrograms are those programs, with the C library and the others that they link.
func smallPrograms() ([]File, error) {
	var files []File
	for _, name := range small {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		with, err := Dynamic(path)
		if err != nil {
			return nil, err
		}
		with[0].Guest = "/bin/" + name
		files = append(files, with...)
	}
	return files, nil
}

// libraryDirs are where the dynamic linkers of Debian and others look by themselves.
var libraryDirs = []string{
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib",
}

// Dynamic is a program of this machine with its dynamic linker and all libraries that it
// links, at the same paths in the guest.
func Dynamic(program string) ([]File, error) {
	files := []File{{program, program}}
	for i := 0; i < len(files); i++ {
		needs, err := links(files[i].Host)
		if err != nil {
			return nil, fmt.Errorf("find the libraries of %s: %w", files[i].Host, err)
		}
		for _, path := range needs {
			if f := (File{path, path}); !slices.Contains(files, f) {
				files = append(files, f)
			}
		}
	}
	return files, nil
}

// links are the dynamic linker and the libraries that a binary names.
func links(binary string) ([]string, error) {
	f, err := elf.Open(binary)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []string
	if s := f.Section(".interp"); s != nil {
		name, err := s.Data()
		if err != nil {
			return nil, err
		}
		list = append(list, string(name[:max(len(name)-1, 0)]))
	}
	names, err := f.ImportedLibraries()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		path := find(name)
		if path == "" {
			return nil, fmt.Errorf("%s isn't in %v", name, libraryDirs)
		}
		list = append(list, path)
	}
	return list, nil
}

// find is the path of a library, or "".
func find(name string) string {
	paths := make([]string, len(libraryDirs))
	for i, dir := range libraryDirs {
		paths[i] = filepath.Join(dir, name)
	}
	return firstOf(paths...)
}
