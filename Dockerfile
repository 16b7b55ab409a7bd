# The package with its locked dependencies and the CPU wheel of torch; not tried: no container engine was at hand.
#   docker build -t fastres .
#   docker run --rm -v "$PWD/outputs:/fastres/outputs" fastres                  # make reproduce
#   docker run --rm -p 8888:8888 fastres make lab LAB="--ip=0.0.0.0 --no-browser --allow-root"
FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends make git g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /fastres
COPY . .
# g++ compiles the networks' blocks; without a GPU the CPU wheel is enough.
RUN make setup PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
CMD ["make", "reproduce"]
