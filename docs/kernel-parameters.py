#!/usr/bin/env python3
"""Lists the parameters that Linux registers for its command line on x86, for docs/kernel-parameters.tsv.

    docs/kernel-parameters.py 6.1 6.12 7.2 > all.tsv

Each argument is a directory of that version's sources (Debian: linux-source-6.1, -6.12, -7.2). The columns:
name; how it is matched; file; versions. How:

early   early_param: the whole name, before most else is set up
value   __setup with "=": the whole name, with a value
prefix  __setup without it: every parameter that begins so (obsolete_checksetup in init/main.c)
core    core_param: the whole name
hw      module_param_hw: of a module; refused by a locked-down kernel
"""
import os, re, sys
KIND = {'early_param': 'early', 'early_param_on_off': 'early', '__setup': 'setup', 'core_param': 'core', 'core_param_cb': 'core', 'core_param_unsafe': 'core'}
SKIP = re.compile(r'^(arch/(?!x86/)|arch/x86/um/|tools/|samples/|Documentation/|drivers/(gpu|net|media|infiniband|scsi|sound|staging)/|sound/)')
out = {}
for version in sys.argv[1:]:
    for directory, dirs, files in os.walk(version):
        for f in files:
            if not f.endswith(('.c', '.h')): continue
            path = os.path.relpath(os.path.join(directory, f), version)
            if SKIP.match(path): continue
            text = open(os.path.join(directory, f), errors='replace').read()
            for m in re.finditer(r'^\s*(early_param_on_off|early_param|__setup|core_param_cb|core_param_unsafe|core_param)\(\s*"?([^",\s]+)"?\s*,\s*"?([^",\s)]+)', text, re.M):
                kind = KIND[m[1]]
                name = m[2]
                if kind == 'setup':
                    kind = 'value' if name.endswith('=') else 'prefix'
                out.setdefault((name.rstrip('='), kind, path), set()).add(os.path.basename(version.rstrip('/')))
            for m in re.finditer(r'^\s*module_param_hw(_named|_array)?\(\s*(\w+)', text, re.M):
                mod = os.path.splitext(os.path.basename(path))[0]
                out.setdefault((mod + '.' + m[2], 'hw', path), set()).add(os.path.basename(version.rstrip('/')))
for (name, kind, path), versions in sorted(out.items()):
    print(name, kind, path, ','.join(sorted(versions, key=lambda v: [int(n) for n in v.split('.')])), sep='\t')
