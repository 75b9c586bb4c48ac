# One image for every process of compose.yaml: servers, executor, Chroma, Dask. The same pins as everywhere.
FROM python:3.13-slim
WORKDIR /app
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e . \
 && useradd --create-home tieout && mkdir /data && chown tieout /data
USER tieout
RUN python -m detectors.warm
ENV TIEOUT_HOME=/data
EXPOSE 8321
CMD ["tieout", "serve", "--host", "0.0.0.0"]
