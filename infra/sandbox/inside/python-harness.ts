/**
 * Runs one program inside Python: the value of its last expression, top-level await, a traceback without us in it. What it
 * takes away (`js`, `ctypes`, threads of asyncio) it takes away to say so in Python's own words; that nothing is reachable
 * is the work of ClosedImports, and holds without this.
 */
export const harness = String.raw`
def __soma_make():
    import ast, asyncio, builtins, linecache, os, selectors, sys, time, traceback, types
    # Ours, whatever a program puts in their place.
    open, repr, print, isinstance, str, compile, eval = (getattr(builtins, it) for it in
        ('open', 'repr', 'print', 'isinstance', 'str', 'compile', 'eval'))
    print_exception, last_line, remove = traceback.print_exception, traceback.format_exception_only, os.remove

    bridges = {'js', 'pyodide_js', 'pyodide', '_pyodide', '_pyodide_core', 'ctypes', '_ctypes', 'micropip'}

    class Shut:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name.partition('.')[0] in bridges:
                raise ImportError(f'the module {name!r} is not available in the sandbox', name=name)

    def refuse(*args, **kwargs):
        raise PermissionError('the sandbox runs no other programs')

    class Never(selectors.BaseSelector):
        """Waits for time alone: there is nothing else to wait for."""
        def register(self, file, events, data=None): raise PermissionError('the sandbox has no sockets')
        unregister = register
        def select(self, timeout=None):
            if timeout is None: raise RuntimeError('it awaits something that never comes')
            if timeout > 0: time.sleep(timeout)
            return []
        def get_map(self): return {}

    class Loop(asyncio.BaseEventLoop):
        def __init__(self):
            super().__init__()
            self._selector = Never()
        def _process_events(self, events): pass
        def _write_to_self(self): pass

    def run_loop(main):
        loop = Loop()
        try:
            asyncio.events._set_running_loop(None)
            asyncio.events.set_event_loop(loop)
            return loop.run_until_complete(main)
        finally:
            asyncio.events.set_event_loop(None)
            loop.close()

    def shut():
        for name in list(sys.modules):
            if name.partition('.')[0] in bridges:
                del sys.modules[name]
        sys.meta_path[:] = [Shut] + [it for it in sys.meta_path if 'pyodide' not in type(it).__module__]
        os.system = sys.modules['posix'].system = refuse
        asyncio.new_event_loop = asyncio.events.new_event_loop = Loop
        asyncio.run = asyncio.runners.run = lambda main, *, debug=None, loop_factory=None: run_loop(main)
        sys.setrecursionlimit(1000)
        os.environ.clear()
        os.environ.update(HOME='/home/pyodide', LANG='C.UTF-8', TZ='UTC')
        os.chdir('/home/pyodide')

    def evaluated(code, scope):
        value = eval(code, scope)
        return run_loop(value) if code.co_flags & 0x80 else value

    def told(end, text=''):
        with open('/tmp/end', 'w', encoding='utf8', errors='replace') as file:
            file.write(end + ('\n' + text if text else ''))

    def ended(source, scope):
        try:
            tree = ast.parse(source, 'code.py')
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            flag = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            evaluated(compile(tree, 'code.py', 'exec', flags=flag), scope)
            if last is None: return 'finished', ''
            value = evaluated(compile(ast.Expression(last.value), 'code.py', 'eval', flags=flag), scope)
            return ('finished', '') if value is None else ('value', repr(value)[:8200])
        except SystemExit as exit:
            code = exit.code
            if code is None: return 'finished', ''
            if isinstance(code, str): print(code, file=sys.stderr)
            return ('finished', '') if code == 0 else ('failed', f'It exited with {code!r}.')
        except MemoryError:
            return 'memory', ''
        except BaseException as error:
            shown = error.__traceback__
            while shown is not None and shown.tb_frame.f_code.co_filename != 'code.py': shown = shown.tb_next
            print_exception(error.with_traceback(shown), limit=-20)
            return 'failed', ''.join(last_line(error)).strip().splitlines()[-1]

    def run():
        with open('/tmp/code', encoding='utf8') as file:
            source = file.read()
        remove('/tmp/code')
        linecache.cache['code.py'] = (len(source), None, source.splitlines(True), 'code.py')
        before, main = sys.modules['__main__'], types.ModuleType('__main__')
        main.__file__ = 'code.py'
        sys.modules['__main__'] = main
        sys.argv = ['code.py']
        if 'random' in sys.modules: sys.modules['random'].seed()  # of a snapshot, it would be everybody's
        scope = main.__dict__
        try:
            end, text = ended(source, scope)
        except BaseException as error:  # a program's own, from what it put into its errors, streams and exit codes
            end, text = 'failed', f'It ended with {type(error).__name__} while its end was being told.'
        sys.modules['__main__'] = before
        try:
            for stream in (sys.stdout, sys.stderr): stream.flush()
        except BaseException: pass
        told(end, text)

    shut()
    return run

__soma_run = __soma_make()
`
