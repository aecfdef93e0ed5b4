#!/bin/sh
# A working @tensorflow/tfjs-node on Linux x86-64 where its own download of libtensorflow is not to be had, or not wanted: library and headers come out of the TensorFlow CPU
# wheel, the binding is compiled from the sources in the npm package. Run again, it does only what is missing. 1.1 GB in FOLDER; about a minute.
# usage: tfjs-node-from-wheel.sh FOLDER [WHEELS]      then: export ETALON_TFJS_NODE=FOLDER
# needs: node and npm, g++, pip, unzip      known to work: Node 20, TensorFlow 2.21, g++ 12
set -eu
[ $# -ge 1 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
tensorflow=2.21.0
tfjs=4.22.0
mkdir -p "$1" "${2:-$1/wheels}"
folder=$(cd "$1" && pwd)
wheels=$(cd "${2:-$1/wheels}" && pwd)
package=$folder/node_modules/@tensorflow/tfjs-node
binding=$package/lib/napi-v8/tfjs_binding.node

if [ ! -f "$package/binding/tfjs_binding.cc" ]; then
  [ -f "$folder/package.json" ] || echo '{ "private": true }' > "$folder/package.json"
  npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error "@tensorflow/tfjs-node@$tfjs"
fi

if [ ! -f "$package/deps/include/tensorflow/c/c_api.h" ] || [ ! -f "$package/deps/lib/libtensorflow_cc.so.2" ]; then
  find_wheel() { find "$wheels" -name "tensorflow_cpu-$tensorflow-*.whl" | head -n 1; }
  [ -n "$(find_wheel)" ] || python3 -m pip download --quiet --no-deps --dest "$wheels" "tensorflow_cpu==$tensorflow"
  unpacked=$(mktemp -d "$folder/unpacked.XXXXXX")
  trap 'rm -rf "$unpacked"' EXIT
  unzip -qo "$(find_wheel)" 'tensorflow/libtensorflow_cc.so.2' 'tensorflow/libtensorflow_framework.so.2' 'tensorflow/include/tensorflow/c/*' \
    'tensorflow/include/tensorflow/core/platform/ctstring*' 'tensorflow/include/xla/tsl/*' 'tensorflow/include/tsl/*' -d "$unpacked"
  rm -rf "$package/deps"
  mkdir -p "$package/deps/lib"
  mv "$unpacked"/tensorflow/*.so.2 "$package/deps/lib/"
  mv "$unpacked/tensorflow/include" "$package/deps/include"
fi

if [ ! -f "$binding" ]; then
  mkdir -p "$(dirname "$binding")"
  headers=$(node -p 'require("node:path").resolve(process.execPath, "../../include/node")')
  g++ -std=c++17 -O2 -fPIC -shared -DNAPI_VERSION=8 -I"$headers" -I"$package/deps/include" "$package/binding/tfjs_backend.cc" "$package/binding/tfjs_binding.cc" \
    -o "$binding.part" -L"$package/deps/lib" -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 -Wl,-rpath,'$ORIGIN/../../deps/lib'
  mv "$binding.part" "$binding"
fi

cd "$folder"
TF_CPP_MIN_LOG_LEVEL=2 node -e '
  require("util").isNullOrUndefined ??= (value) => value == null;
  const tf = require("@tensorflow/tfjs-node");
  if (tf.tensor1d([1, 2]).sum().dataSync()[0] !== 3) throw new Error("tfjs-node computes wrong sums");
  console.log(`tfjs-node ${tf.version["tfjs-node"]} on TensorFlow ${require("@tensorflow/tfjs-node").backend().binding.TF_Version} works in ${process.cwd()}`);' 2>"$folder/check.log" ||
  { cat "$folder/check.log" >&2; exit 1; }
