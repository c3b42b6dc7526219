//go:build linux

package vm

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// keyring signs Debian's archive.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// apt is a private state of apt's, so that the machine's own isn't touched.
type apt struct{ dir string }

// download unpacks the newest kernel of a series to cache/RELEASE and returns RELEASE.
func download(s Series, cache string) (string, error) {
	a := apt{filepath.Join(cache, ".apt", s.Name)}
	if err := a.setUp(s); err != nil {
		return "", err
	}
	image, err := a.newest(s)
	if err != nil {
		return "", err
	}
	release := strings.TrimPrefix(image, "linux-image-")
	packages, err := a.parts(image, release)
	if err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(cache, ".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	if err := a.unpack(packages, tmp); err != nil {
		return "", err
	}
	extractVmlinux(tmp, release)
	to := filepath.Join(cache, release)
	if err := os.RemoveAll(to); err != nil {
		return "", err
	}
	return release, os.Rename(tmp, to)
}

// setUp writes the sources, from the mirrors that the machine itself uses, and reads the
// lists of packages.
func (a apt) setUp(s Series) error {
	for _, d := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, d), 0o755); err != nil {
			return err
		}
	}
	mirrors, err := machineMirrors()
	if err != nil {
		return err
	}
	var sources strings.Builder
	for _, suite := range s.suites {
		fmt.Fprintf(&sources, "deb [signed-by=%s] %s %s main\n", keyring, mirrors.main, suite)
	}
	if s.secured && mirrors.security != "" {
		fmt.Fprintf(&sources, "deb [signed-by=%s] %s %s-security main\n", keyring, mirrors.security, s.suites[0])
	}
	if err := os.WriteFile(filepath.Join(a.dir, "sources.list"), []byte(sources.String()), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(a.dir, "status"), nil, 0o644); err != nil {
		return err
	}
	_, err = a.run("", "apt-get", "-q", "update")
	return err
}

// run runs one of apt's commands over the private state and returns what it prints.
func (a apt) run(dir, name string, args ...string) (string, error) {
	in := func(p string) string { return filepath.Join(a.dir, p) }
	options := []string{
		"-o", "Dir::Etc::sourcelist=" + in("sources.list"), "-o", "Dir::Etc::sourceparts=/dev/null",
		"-o", "Dir::State=" + a.dir, "-o", "Dir::State::Lists=" + in("lists"),
		"-o", "Dir::State::status=" + in("status"), "-o", "Dir::Cache=" + in("cache"),
		"-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none", "-o", "Acquire::Retries=2",
		"-o", "APT::Update::Post-Invoke-Success::=", "-o", "APT::Get::List-Cleanup=0",
		"-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
	}
	cmd := exec.Command(name, append(options, args...)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %s: %w: %s", name, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(out), nil
}

// newest is the image package with the highest version in its name.
func (a apt) newest(s Series) (string, error) {
	names, err := a.run("", "apt-cache", "pkgnames", "linux-image-")
	if err != nil {
		return "", err
	}
	pattern := regexp.MustCompile("^" + s.pattern + "$")
	found := slices.DeleteFunc(strings.Fields(names), func(n string) bool { return !pattern.MatchString(n) })
	if len(found) == 0 {
		return "", fmt.Errorf("the mirror has no package like %s", s.pattern)
	}
	return slices.MaxFunc(found, func(x, y string) int { return slices.Compare(numbers(x), numbers(y)) }), nil
}

// numbers are the numbers in a name, in order.
func numbers(name string) []int {
	var list []int
	for _, digits := range strings.FieldsFunc(name, func(r rune) bool { return r < '0' || r > '9' }) {
		n, _ := strconv.Atoi(digits)
		list = append(list, n)
	}
	return list
}

// parts are the packages that hold a kernel: since Linux 7 the image depends on others.
func (a apt) parts(image, release string) ([]string, error) {
	depends, err := a.run("", "apt-cache", "depends", image)
	if err != nil {
		return nil, err
	}
	packages := []string{image}
	for _, part := range []string{"base", "binary", "modules"} {
		name := "linux-" + part + "-" + release
		if strings.Contains(depends, "Depends: "+name+"\n") {
			packages = append(packages, name)
		}
	}
	return packages, nil
}

// unpack downloads packages and unpacks them into dir.
func (a apt) unpack(packages []string, dir string) error {
	debs, err := os.MkdirTemp(a.dir, "debs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(debs)
	if _, err := a.run(debs, "apt-get", append([]string{"-q", "download"}, packages...)...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil || len(files) < len(packages) {
		return fmt.Errorf("download %v: %d files came", packages, len(files))
	}
	for _, f := range files {
		if err := command("dpkg-deb", "-x", f, dir); err != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o755)
}

type mirrors struct{ main, security string }

// machineMirrors reads the addresses in the machine's own sources, of either format.
func machineMirrors() (mirrors, error) {
	var m mirrors
	set := func(uri, suites string) {
		to := &m.main
		if strings.Contains(suites, "-security") {
			to = &m.security
		}
		if *to == "" {
			*to = uri
		}
	}
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*")
	for _, file := range append(files, "/etc/apt/sources.list") {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if filepath.Ext(file) == ".sources" {
			deb822(text, set)
		} else {
			oneLine(text, set)
		}
	}
	if m.main == "" {
		return m, fmt.Errorf("find Debian mirror: none in /etc/apt")
	}
	return m, nil
}

// deb822 reads stanzas of "URIs:" and "Suites:" lines.
func deb822(text []byte, set func(uri, suites string)) {
	for stanza := range strings.SplitSeq(string(text), "\n\n") {
		var uri, suites string
		for line := range strings.Lines(stanza) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			switch fields := strings.Fields(value); {
			case name == "URIs" && len(fields) > 0:
				uri = fields[0]
			case name == "Suites":
				suites = value
			}
		}
		if uri != "" {
			set(uri, suites)
		}
	}
}

var sourceOptions = regexp.MustCompile(`\[[^]]*\]`)

// oneLine reads lines of the form "deb [options] URI suite component…".
func oneLine(text []byte, set func(uri, suites string)) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		fields := strings.Fields(sourceOptions.ReplaceAllString(lines.Text(), ""))
		if len(fields) >= 3 && fields[0] == "deb" {
			set(fields[1], fields[2])
		}
	}
}
