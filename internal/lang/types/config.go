package types

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// setting is a row of the config variables: where the value goes and which it may be.
type setting struct {
	name string
	num  func(*Info) *uint64
	size func(*Info) *uint32
	flag func(*Info) *bool
	str  func(*Info) *string
	// words are the accepted values of str, compared without case when fold is set; nil: any.
	words []string
	fold  bool
	mode  bool // stack_mode
	// unstable: the value goes into checker.unstable.
	unstable bool
}

// settings is the table of config variables.
func settings() []setting {
	return []setting{
		{name: "cache_user_symbols", str: func(i *Info) *string { return &i.Config.CacheUserSymbols }, words: []string{"PER_PID", "PER_PROGRAM", "NONE"}, fold: true},
		{name: "cpp_demangle", flag: func(i *Info) *bool { return &i.Config.CppDemangle }},
		{name: "lazy_symbolication", flag: func(i *Info) *bool { return &i.Config.LazySymbols }},
		{name: "license", str: func(i *Info) *string { return &i.License }, words: []string{
			"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"}},
		{name: "log_size", num: func(i *Info) *uint64 { return &i.Config.LogSize }},
		{name: "max_bpf_progs", num: func(i *Info) *uint64 { return &i.MaxProgs }},
		{name: "max_cat_bytes", num: func(i *Info) *uint64 { return &i.Config.MaxCatBytes }},
		{name: "max_map_keys", num: func(i *Info) *uint64 { return &i.MaxMapKeys }},
		{name: "max_probes", num: func(i *Info) *uint64 { return &i.MaxProbes }},
		{name: "max_strlen", num: func(i *Info) *uint64 { return &i.Config.MaxStrlen }},
		{name: "missing_probes", str: func(i *Info) *string { return &i.Config.MissingProbes }, words: []string{"error", "warn", "ignore"}, fold: true},
		{name: "on_stack_limit", size: func(i *Info) *uint32 { return &i.OnStackLimit }},
		{name: "perf_rb_pages", num: func(i *Info) *uint64 { return &i.Config.PerfRBPages }},
		{name: "print_maps_on_exit", flag: func(i *Info) *bool { return &i.Config.PrintMapsOnExit }},
		{name: "renamed_functions", str: func(i *Info) *string { return &i.Config.RenamedFunctions }, words: []string{"error", "follow"}, fold: true},
		{name: "show_debug_info", flag: func(i *Info) *bool { return &i.Config.ShowDebugInfo }},
		{name: "stack_mode", mode: true},
		{name: "str_trunc_trailer", str: func(i *Info) *string { return &i.Config.StrTruncTrailer }},
		{name: "unstable_dw_ustack", unstable: true},
		{name: "unstable_import_statement", unstable: true},
		{name: "unstable_tseries", unstable: true},
		{name: "unstable_typeinfo", unstable: true},
		{name: "use_blazesym", flag: func(i *Info) *bool { return &i.Config.UseBlazesym }},
	}
}

// renamed are the former names of settings, retired those without effect, and envOnly
// those that only the environment can set.
func renamedSettings() map[string]string {
	return map[string]string{"strlen": "max_strlen", "no_cpp_demangle": "cpp_demangle",
		"cat_bytes_max": "max_cat_bytes", "map_keys_max": "max_map_keys"}
}

func retiredSettings() []string {
	return []string{"symbol_source", "max_type_res_iterations", "unstable_addr", "unstable_import",
		"unstable_macro", "unstable_map_decl"}
}

func envSettings() []string { return []string{"btf", "kernel_build", "kernel_source", "vmlinux"} }

// unstableLevel is what using an unstable feature leads to.
type unstableLevel uint8

const (
	unstableError unstableLevel = iota
	unstableWarn
	unstableEnable
)

// value is a setting's value as it was written.
type value struct {
	text string
	num  uint64
	isN  bool
}

// config sets the defaults, then the script's config blocks, then the environment.
func (c *checker) config(script []syntax.Decl) {
	c.defaults()
	for _, d := range script {
		if block, ok := d.(*syntax.Config); ok {
			for _, v := range block.Vars {
				c.configVar(v)
			}
		}
	}
	c.configEnv()
	c.info.Config.MaxProbes = int(c.info.MaxProbes)
	c.info.StackMode = c.info.Config.StackMode
}

// ReadConfig is what a script's config block and the environment set, for those who need it
// before Check, which reports its mistakes.
func ReadConfig(script []syntax.Decl, environ []string) object.Config {
	c := &checker{info: &Info{}, rep: diag.NewReporter(&diag.Sources{}), opt: Options{Environ: environ}, said: map[said]bool{}}
	c.config(script)
	return c.info.Config
}

// v5_11LargeKeys is the kernel whose maps take keys larger than the stack of 512 bytes
// (htab_map_alloc_check, kernel/bpf/hashtab.c); on older ones strings are shorter, so that they
// can be keys.
const v5_11LargeKeys = 5<<16 | 11<<8

func (c *checker) defaults() {
	i := c.info
	i.License, i.OnStackLimit, i.MaxMapKeys, i.MaxProbes, i.MaxProgs = "GPL", 32, 4096, 1024, 1024
	i.Config = object.Config{MaxCatBytes: 10240, MaxStrlen: 1024, StrTruncTrailer: "..",
		PrintMapsOnExit: true, CppDemangle: true, MissingProbes: "error", RenamedFunctions: "error", LazySymbols: true,
		ShowDebugInfo: true, UseBlazesym: true, LogSize: 1000000}
	if k := c.info.Facts; k != nil && k.Kernel != 0 && k.Kernel < v5_11LargeKeys {
		i.Config.MaxStrlen = 256
	}
	c.unstable = map[string]unstableLevel{"unstable_tseries": unstableWarn, "unstable_dw_ustack": unstableWarn}
}

func (c *checker) configVar(v *syntax.ConfigVar) {
	name := strings.TrimPrefix(strings.ToLower(v.Name.Name), "bpftrace_")
	if contains(retiredSettings(), name) {
		c.warnf(diag.CodeConfigRetired, v.Name.Span(), "%s has no effect any more", v.Name.Name)
		return
	}
	if now, ok := renamedSettings()[name]; ok {
		c.warnf(diag.CodeConfigRetired, v.Name.Span(), "%s is now called %s", v.Name.Name, now).Suggest(now)
		name = now
	}
	s, ok := findSetting(name)
	if !ok {
		c.unknownSetting(v, name)
		return
	}
	var val value
	switch x := v.Value.(type) {
	case *syntax.IntLit:
		val = value{text: strconv.FormatUint(x.Val, 10), num: x.Val, isN: true}
	case *syntax.BoolLit:
		val = value{text: strconv.FormatBool(x.Val)}
	case *syntax.StringLit:
		val = value{text: x.Val}
	case *syntax.Ident:
		val = value{text: x.Name}
	}
	if err := c.set(s, val); err != nil {
		c.errorf(diag.CodeConfigValue, v.Value.Span(), "%s: %v", name, err)
	}
}

func (c *checker) unknownSetting(v *syntax.ConfigVar, name string) {
	if contains(envSettings(), name) {
		c.errorf(diag.CodeConfigName, v.Name.Span(), "%s can only be set in the environment, as BPFTRACE_%s", name, strings.ToUpper(name))
		return
	}
	d := c.errorf(diag.CodeConfigName, v.Span(), "%s: not a known configuration option", v.Name.Name)
	var names []string
	for _, s := range settings() {
		names = append(names, s.name)
	}
	if near := nearest(name, names); near != "" {
		d.SuggestAt(v.Name.Span(), near)
	}
}

func (c *checker) configEnv() {
	for _, env := range c.opt.Environ {
		name, text, ok := strings.Cut(env, "=")
		if !ok || !strings.HasPrefix(name, "BPFTRACE_") {
			continue
		}
		if name == "BPFTRACE_DUMMY_TS_MAP" {
			c.info.ClockMap = text
			continue
		}
		s, ok := findSetting(strings.ToLower(strings.TrimPrefix(name, "BPFTRACE_")))
		if !ok {
			continue
		}
		val := value{text: text}
		// In the environment, numbers other than 0 and 1 are no words.
		if n, isN := syntax.ParseNumber(text); isN && (n < 2 || s.num != nil || s.size != nil) {
			val.num, val.isN = n, true
		}
		if err := c.set(s, val); err != nil {
			c.errorf(diag.CodeConfigValue, diag.Span{}, "%s (from the environment): %v", name, err)
		}
	}
}

func findSetting(name string) (setting, bool) {
	for _, s := range settings() {
		if s.name == name {
			return s, true
		}
	}
	return setting{}, false
}

// set stores a value; the error says which values there are.
func (c *checker) set(s setting, v value) error {
	switch {
	case s.num != nil || s.size != nil:
		if !v.isN {
			return fmt.Errorf("a number is needed, not %q", v.text)
		}
		if s.num != nil {
			*s.num(c.info) = v.num
		} else {
			*s.size(c.info) = uint32(v.num)
		}
	case s.flag != nil:
		b, err := truth(v)
		if err != nil {
			return err
		}
		*s.flag(c.info) = b
	case s.mode:
		m, ok := stackMode(v.text)
		if !ok {
			return fmt.Errorf("no stack mode %q; there are %s", v.text, strings.Join(stackModes[:], ", "))
		}
		c.info.Config.StackMode = m
	case s.unstable:
		return c.setUnstable(s.name, v)
	default:
		return c.setWord(s, v)
	}
	return nil
}

func (c *checker) setWord(s setting, v value) error {
	if s.name == "cache_user_symbols" && v.isN {
		if v.num == 0 {
			v.text = "NONE"
		} else {
			return nil
		}
	}
	if s.words == nil {
		*s.str(c.info) = v.text
		return nil
	}
	for _, w := range s.words {
		if w == v.text || s.fold && strings.EqualFold(w, v.text) {
			*s.str(c.info) = w
			return nil
		}
	}
	return fmt.Errorf("no value %q; there are %s", v.text, strings.Join(s.words, ", "))
}

func (c *checker) setUnstable(name string, v value) error {
	levels := map[string]unstableLevel{"enable": unstableEnable, "warn": unstableWarn, "error": unstableError}
	if l, ok := levels[strings.ToLower(v.text)]; ok {
		c.unstable[name] = l
		return nil
	}
	b, err := truth(v)
	if err != nil {
		return fmt.Errorf("no value %q; there are enable, warn, error", v.text)
	}
	if c.unstable[name] = unstableError; b {
		c.unstable[name] = unstableEnable
	}
	return nil
}

func truth(v value) (bool, error) {
	switch strings.ToLower(v.text) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	if v.isN {
		return v.num != 0, nil
	}
	return false, fmt.Errorf("true, false, 1 or 0 is needed, not %q", v.text)
}

// stackModes are the names of object.StackMode, by value.
var stackModes = [...]string{
	object.StackBpftrace: "bpftrace", object.StackPerf: "perf", object.StackRaw: "raw", object.StackBuildID: "build_id",
}

func stackMode(name string) (object.StackMode, bool) {
	for i, n := range stackModes {
		if n == name {
			return object.StackMode(i), true
		}
	}
	return 0, false
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// configConst is a setting's value as the `config` builtin shows it.
func (c *checker) configConst(name string) (*Const, *Type, bool) {
	s, ok := findSetting(name)
	if !ok {
		return nil, nil, false
	}
	number := func(n uint64) (*Const, *Type, bool) { return &Const{Int: n}, litType(n, false), true }
	text := func(t string) (*Const, *Type, bool) {
		return &Const{Str: t, IsStr: true}, StringType(uint32(len(t)) + 1), true
	}
	switch {
	case s.num != nil:
		return number(*s.num(c.info))
	case s.size != nil:
		return number(uint64(*s.size(c.info)))
	case s.flag != nil:
		return &Const{Int: bit(*s.flag(c.info))}, boolType(), true
	case s.mode:
		return text(stackModes[c.info.Config.StackMode])
	case s.unstable:
		return text([...]string{unstableError: "error", unstableWarn: "warn", unstableEnable: "enable"}[c.unstable[name]])
	}
	return text(*s.str(c.info))
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// stable reports whether a feature that may change can be used as the config has it; once a
// script it's warned of, without a place, as bpftrace does.
func (c *checker) stable(at diag.Span, feature, setting string) bool {
	switch c.unstable[setting] {
	case unstableError:
		c.errorf(diag.CodeUnstable, at, "%s feature is not enabled by default. To enable this unstable feature, set the config flag to enable. %s=enable", feature, setting)
		return false
	case unstableWarn:
		c.warnf(diag.CodeUnstableUse, diag.Span{}, "Script is using an unstable feature: %s. To prevent this warning you must explicitly enable it in the config e.g. %s=enable", feature, setting)
	}
	return true
}
