#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/session.h"

namespace envtool {

namespace {

// Each script only asks `envtool __complete`, which knows the command line; ":files" and ":directories" leave
// it to the shell.

constexpr std::string_view bash_script =
    R"(# bash completion for envtool; load it with: source <(envtool completion bash)
_envtool() {
  local line current=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files)
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current") ;;
      :directories)
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$current") ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _envtool envtool
)";

constexpr std::string_view zsh_script = R"(#compdef envtool
# zsh completion for envtool; load it with: source <(envtool completion zsh)
_envtool() {
  local line
  local -a candidates
  for line in "${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      '') ;;
      :files) _files ;;
      :directories) _files -/ ;;
      *) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
    esac
  done
  (( $#candidates )) && _describe envtool candidates
}
if [ "${funcstack[1]}" = _envtool ]; then _envtool "$@"; else compdef _envtool envtool; fi
)";

constexpr std::string_view fish_script =
    R"(# fish completion for envtool; load it with: envtool completion fish | source
function __envtool_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path "$current"
            case ':directories'
                __fish_complete_directories "$current"
            case '*'
                echo $line
        end
    end
end
complete -c envtool -f -a '(__envtool_complete)'
)";

int completion(Session& session, const std::string& shell) {
  if (shell != "bash" && shell != "zsh" && shell != "fish")
    throw Error(ErrorKind::usage, fmt::format("no completion for '{}'; there is bash, zsh and fish", shell));
  const std::string_view script = shell == "bash" ? bash_script : shell == "zsh" ? zsh_script : fish_script;
  session.show(script, Value::map({{"shell", shell}, {"script", script}}));
  return exit_code::done;
}

}  // namespace

Command completion_command() {
  const auto shell = std::make_shared<std::string>();
  return {.name = "completion",
          .group = group::tool,
          .summary = "print shell completion for bash, zsh or fish",
          .examples = {"source <(envtool completion bash)",
                       "envtool completion fish > ~/.config/fish/completions/envtool.fish"},
          .arguments = {{.name = "SHELL",
                         .help = "bash, zsh or fish",
                         .set = [shell](const std::string& text) { *shell = text; },
                         .required = true,
                         .completes = Completes::shells}},
          .run = [shell](Session& session) { return completion(session, *shell); }};
}

}  // namespace envtool
